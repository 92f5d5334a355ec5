//! The catalogue and its stock.

use super::bounded;
use super::category::CategoryPath;
use super::location::LocationId;
use super::product_details::{
    Attributes, Backorder, Brand, Dimensions, Distinct, ExternalId, Images, Metadata, Named, Options,
    ProductDetails, Tags, TaxClass,
};
use crate::ids::{MovementId, ProductId};
use crate::money::{Amount, Currency};
use crate::text::{Sku, Text};
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A product's name: 1 to 200 characters.
pub type ProductName = Text<1, 200>;

/// A product's description: up to 5,000 characters, line breaks allowed.
pub type ProductDescription = Text<0, 5000, true>;

/// Why stock was changed by hand: 1 to 200 characters.
pub type AdjustmentReason = Text<1, 200>;

/// Most units of one product in one place.
pub const MAX_UNITS: u32 = 1_000_000_000;

/// Units in stock: a whole number from 0 to [`MAX_UNITS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Units(u32);

impl Units {
    pub const fn get(self) -> u32 {
        self.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be a whole number from 0 to {MAX_UNITS}")]
pub struct InvalidUnits;

impl TryFrom<u32> for Units {
    type Error = InvalidUnits;
    fn try_from(units: u32) -> Result<Self, InvalidUnits> {
        if units <= MAX_UNITS { Ok(Self(units)) } else { Err(InvalidUnits) }
    }
}

impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bounded::whole::<0, MAX_UNITS, D>(deserializer).map(Self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProductStatus {
    /// Seen by staff only, not for sale.
    Draft,
    Active,
    /// No longer for sale; kept for the orders that name it.
    Archived,
}

/// `POST /products`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewProduct {
    pub sku: Sku,
    pub name: ProductName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<ProductDescription>,
    pub price: Amount,
    /// EUR where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Active where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ProductStatus>,
    /// Units received at once; 0 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Units>,
    /// The product that this one is a variant of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<ProductId>,
    /// What tells a variant from its siblings; only variants have them.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub options: Options,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryPath>,
    #[serde(default, skip_serializing_if = "Distinct::is_empty")]
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub attributes: Attributes,
    #[serde(default, skip_serializing_if = "Distinct::is_empty")]
    pub images: Images,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_grams: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<TaxClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backorder: Option<Backorder>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

impl NewProduct {
    /// With what every product has, and nothing else.
    pub fn new(sku: Sku, name: ProductName, price: Amount) -> Self {
        Self {
            sku,
            name,
            description: None,
            price,
            currency: None,
            status: None,
            inventory: None,
            parent_id: None,
            options: Options::default(),
            brand: None,
            category: None,
            tags: Tags::default(),
            attributes: Attributes::default(),
            images: Images::default(),
            weight_grams: None,
            dimensions: None,
            tax_class: None,
            backorder: None,
            external_id: None,
            metadata: Metadata::default(),
        }
    }

    pub fn details(&self) -> ProductDetails {
        ProductDetails {
            brand: self.brand.clone(),
            category: self.category.clone(),
            tags: self.tags.clone(),
            attributes: self.attributes.clone(),
            images: self.images.clone(),
            weight_grams: self.weight_grams,
            dimensions: self.dimensions,
            tax_class: self.tax_class.clone(),
            backorder: self.backorder,
            external_id: self.external_id.clone(),
            metadata: self.metadata.clone(),
        }
    }

    #[must_use]
    pub fn with_details(self, details: ProductDetails) -> Self {
        let ProductDetails {
            brand,
            category,
            tags,
            attributes,
            images,
            weight_grams,
            dimensions,
            tax_class,
            backorder,
            external_id,
            metadata,
        } = details;
        Self {
            brand,
            category,
            tags,
            attributes,
            images,
            weight_grams,
            dimensions,
            tax_class,
            backorder,
            external_id,
            metadata,
            ..self
        }
    }
}

/// `PATCH /products/{id}`: a merge patch (RFC 7396) of what a product was created with, but for `sku`, `currency`,
/// `inventory`, `parentId` and `options`, which stay. This is its most used part; any other may be sent as JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ProductName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<ProductDescription>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ProductStatus>,
}

/// The same as it is read: any part of it, checked when it is merged with the product.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct ProductPatch(pub Map<String, Value>);

/// A product with what is available of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    pub id: ProductId,
    pub sku: Sku,
    pub name: ProductName,
    pub description: ProductDescription,
    pub price: Amount,
    pub currency: Currency,
    pub status: ProductStatus,
    /// Units available: on hand less reserved.
    pub inventory: i64,
    /// The product that this one is a variant of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<ProductId>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub options: Options,
    /// Whether it groups variants, which are sold in its place.
    #[serde(default)]
    pub has_variants: bool,
    #[serde(flatten)]
    pub details: ProductDetails,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// `PUT /products/{id}/inventory`: sets what is available; on hand moves by the difference.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetInventory {
    pub quantity: Units,
    /// Nothing is set unless so many are available now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_quantity: Option<Units>,
    /// Only what is available at this place; all places together where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
}

/// `POST /products/{id}/inventory/adjustments`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAdjustment {
    /// Units to add to or take from what is on hand; never 0, never below what is reserved.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub delta: i64,
    pub reason: AdjustmentReason,
    /// The default location where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
}

/// What an adjustment did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adjustment {
    /// The movement that stands in the ledger.
    pub id: MovementId,
    pub product_id: ProductId,
    pub location_id: LocationId,
    pub delta: i64,
    pub reason: AdjustmentReason,
    pub at: Timestamp,
}
