//! A product of the catalogue and how it changes.

use super::words::{folded, words_of};
use common::ids::ProductId;
use common::models::product::{self as model, NewProduct, ProductStatus};
use common::models::product_details::{Options, ProductDetails};
use common::money::{Currency, InvalidMoney, Money};
use common::text::Sku;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A product as it is stored. What is in stock of it stands in the ledger, not here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    #[serde(rename = "_id")]
    pub id: ProductId,
    pub sku: Sku,
    pub name: model::ProductName,
    pub description: model::ProductDescription,
    #[serde(rename = "priceMinor", with = "minor_units")]
    pub price: Money,
    pub currency: Currency,
    pub status: ProductStatus,
    /// The product that this one is a variant of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<ProductId>,
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// Whether it groups variants: they are sold, and it is not.
    #[serde(default)]
    pub has_variants: bool,
    #[serde(default)]
    pub details: ProductDetails,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Tells a repeat of the creating request from another request under the same key; in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// Why a product cannot be as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProduct {
    #[error("the price {0}")]
    Price(#[from] InvalidMoney),
    #[error("a new product cannot be archived")]
    BornArchived,
    #[error("a variant needs options that tell it from its siblings")]
    NoOptions,
    #[error("only a variant has options")]
    NotAVariant,
    #[error("the field {0} cannot be changed")]
    Fixed(&'static str),
}

impl InvalidProduct {
    /// The member that breaks the rule.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Price(_) => "price",
            Self::BornArchived => "status",
            Self::NoOptions | Self::NotAVariant => "options",
            Self::Fixed(field) => field,
        }
    }

    /// The rule, as it follows the name of the member.
    pub fn rule(&self) -> String {
        match self {
            Self::Price(rule) => rule.to_string(),
            Self::BornArchived => "must be draft or active".to_owned(),
            Self::NoOptions => "must tell a variant from its siblings".to_owned(),
            Self::NotAVariant => "are for variants alone".to_owned(),
            Self::Fixed(_) => "cannot be changed".to_owned(),
        }
    }
}

impl Product {
    /// A new product, for sale at once unless it says otherwise.
    pub fn create(
        id: ProductId,
        new: NewProduct,
        fingerprint: Option<String>,
        now: Timestamp,
    ) -> Result<Self, InvalidProduct> {
        let status = new.status.unwrap_or(ProductStatus::Active);
        if status == ProductStatus::Archived {
            return Err(InvalidProduct::BornArchived);
        }
        match (new.parent_id.is_some(), new.options.is_empty()) {
            (true, true) => return Err(InvalidProduct::NoOptions),
            (false, false) => return Err(InvalidProduct::NotAVariant),
            _ => {}
        }
        let currency = new.currency.unwrap_or(Currency::EUR);
        let details = new.details();
        Ok(Self {
            id,
            sku: new.sku,
            name: new.name,
            description: new.description.unwrap_or_else(no_description),
            price: new.price.to_money(currency)?,
            currency,
            status,
            parent_id: new.parent_id,
            options: new.options,
            has_variants: false,
            details,
            version: 1,
            created_at: now,
            updated_at: now,
            fingerprint,
        })
    }

    /// The request that would make it as it is now: what a merge patch is merged into.
    pub fn request(&self) -> NewProduct {
        NewProduct {
            description: Some(self.description.clone()).filter(|description| !description.is_empty()),
            currency: Some(self.currency),
            status: Some(self.status),
            parent_id: self.parent_id,
            options: self.options.clone(),
            ..NewProduct::new(self.sku.clone(), self.name.clone(), self.price.to_amount(self.currency))
        }
        .with_details(self.details.clone())
    }

    /// The product as it is wanted now, one version on; the same product where nothing changes.
    pub fn changed(&self, wanted: NewProduct, now: Timestamp) -> Result<Self, InvalidProduct> {
        for (is_other, field) in [
            (wanted.sku != self.sku, "sku"),
            (wanted.currency != Some(self.currency), "currency"),
            (wanted.inventory.is_some(), "inventory"),
            (wanted.parent_id != self.parent_id, "parentId"),
            (wanted.options != self.options, "options"),
        ] {
            if is_other {
                return Err(InvalidProduct::Fixed(field));
            }
        }
        let details = wanted.details();
        let mut next = Self {
            name: wanted.name,
            description: wanted.description.unwrap_or_else(no_description),
            price: wanted.price.to_money(self.currency)?,
            status: wanted.status.unwrap_or(ProductStatus::Active),
            details,
            ..self.clone()
        };
        if next != *self {
            next.version += 1;
            // A clock that was set back does not take a product back in time.
            next.updated_at = now.max(self.updated_at);
        }
        Ok(next)
    }

    /// The fields besides price and status that differ, by their names.
    pub fn fields_changed(&self, after: &Self) -> Vec<&'static str> {
        let (before, then) = (&self.details, &after.details);
        let fields = [
            (self.name != after.name, "name"),
            (self.description != after.description, "description"),
            (before.brand != then.brand, "brand"),
            (before.category != then.category, "category"),
            (before.tags != then.tags, "tags"),
            (before.attributes != then.attributes, "attributes"),
            (before.images != then.images, "images"),
            (before.weight_grams != then.weight_grams, "weightGrams"),
            (before.dimensions != then.dimensions, "dimensions"),
            (before.tax_class != then.tax_class, "taxClass"),
            (before.backorder != then.backorder, "backorder"),
            (before.external_id != then.external_id, "externalId"),
            (before.metadata != then.metadata, "metadata"),
        ];
        fields.into_iter().filter_map(|(is_changed, field)| is_changed.then_some(field)).collect()
    }

    /// Units that may be promised beyond what is on hand.
    pub fn backorder_limit(&self) -> i64 {
        match self.details.backorder {
            Some(policy) if policy.allowed => policy.limit.get().into(),
            _ => 0,
        }
    }

    /// Drafts are for staff alone. What was archived stays readable for the orders that name it.
    pub fn is_visible_to(&self, is_staff: bool) -> bool {
        is_staff || self.status != ProductStatus::Draft
    }

    /// The words of what a product is called by: its name, its brand, its sku and the sku as a whole.
    pub fn title_words(&self) -> BTreeSet<String> {
        let brand = self.details.brand.iter().map(|brand| &**brand);
        let mut words = words_of([&*self.name, self.sku.as_str()].into_iter().chain(brand));
        words.insert(folded(self.sku.as_str()));
        words
    }

    /// The words that it is found by: those of its title, and those of its description.
    pub fn words(&self) -> BTreeSet<String> {
        let mut words = self.title_words();
        words.extend(words_of([&*self.description]));
        words
    }

    /// What may stand once among the variants of one product; in no order that the request gave.
    pub fn options_key(&self) -> String {
        let pairs = self.options.iter().map(|(name, value)| format!("{}={}", folded(name), folded(value)));
        pairs.collect::<Vec<_>>().join("\n")
    }

    /// The product as clients see it.
    pub fn with_inventory(self, available: i64) -> model::Product {
        model::Product {
            id: self.id,
            sku: self.sku,
            name: self.name,
            description: self.description,
            price: self.price.to_amount(self.currency),
            currency: self.currency,
            status: self.status,
            inventory: available,
            parent_id: self.parent_id,
            options: self.options,
            has_variants: self.has_variants,
            details: self.details,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

#[expect(clippy::expect_used, reason = "the empty text is within the bounds of a description")]
fn no_description() -> model::ProductDescription {
    model::ProductDescription::parse("").expect("a description may be empty")
}

/// Money as an integer of minor units.
mod minor_units {
    use common::money::Money;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(price: &Money, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(price.minor())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        Money::from_minor(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_product(price: &str, currency: &str) -> NewProduct {
        NewProduct {
            currency: Some(currency.parse().unwrap()),
            ..NewProduct::new("SKU-1".parse().unwrap(), "Teapot".parse().unwrap(), price.parse().unwrap())
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn product() -> Product {
        Product::create(ProductId::new(), new_product("5", "EUR"), None, at(5)).unwrap()
    }

    #[test]
    fn a_price_has_no_more_decimals_than_its_currency() {
        let create = |price, currency| {
            Product::create(ProductId::new(), new_product(price, currency), None, at(0))
                .map(|p| p.price.minor())
        };
        assert_eq!(create("19.99", "EUR"), Ok(1999));
        assert_eq!(create("19", "JPY"), Ok(19));
        assert!(create("19.9", "JPY").is_err());
        assert!(create("1.999", "EUR").is_err());
        assert!(create("10000000000000", "EUR").is_err());
    }

    #[test]
    fn a_change_raises_the_version_once_and_no_change_does_not() {
        let product = product();
        assert_eq!(product.changed(product.request(), at(9)).unwrap(), product);
        let wanted = NewProduct {
            name: "Pot".parse().unwrap(),
            status: Some(ProductStatus::Archived),
            ..product.request()
        };
        let changed = product.changed(wanted.clone(), at(9)).unwrap();
        assert_eq!((changed.version, changed.name.as_str(), changed.updated_at), (2, "Pot", at(9)));
        assert_eq!(product.changed(wanted, at(1)).unwrap().updated_at, at(5));
        let finer = NewProduct { price: "5.001".parse().unwrap(), ..product.request() };
        assert!(product.changed(finer, at(9)).is_err());
    }

    #[test]
    fn what_orders_rely_on_is_fixed() {
        let product = product();
        for (wanted, field) in [
            (NewProduct { sku: "SKU-2".parse().unwrap(), ..product.request() }, "sku"),
            (NewProduct { currency: Some("USD".parse().unwrap()), ..product.request() }, "currency"),
            (NewProduct { inventory: Some(1.try_into().unwrap()), ..product.request() }, "inventory"),
            (NewProduct { parent_id: Some(ProductId::new()), ..product.request() }, "parentId"),
        ] {
            assert_eq!(product.changed(wanted, at(9)), Err(InvalidProduct::Fixed(field)));
        }
    }

    #[test]
    fn options_belong_to_variants_and_do_not_depend_on_case_or_order() {
        let options = |json: &str| serde_json::from_str::<Options>(json).unwrap();
        let with = |parent_id, options| {
            let new = NewProduct { parent_id, options, ..new_product("5", "EUR") };
            Product::create(ProductId::new(), new, None, at(0))
        };
        let parent = Some(ProductId::new());
        assert_eq!(with(parent, Options::default()), Err(InvalidProduct::NoOptions));
        assert_eq!(with(None, options(r#"{"size":"L"}"#)), Err(InvalidProduct::NotAVariant));
        let one = with(parent, options(r#"{"size":"L","colour":"Blue"}"#)).unwrap();
        let same = with(parent, options(r#"{"colour":"blue","size":"l"}"#)).unwrap();
        assert_eq!(one.options_key(), same.options_key());
    }

    #[test]
    fn only_staff_see_drafts() {
        let mut product = product();
        assert!(product.is_visible_to(false));
        product.status = ProductStatus::Draft;
        assert!(!product.is_visible_to(false) && product.is_visible_to(true));
    }
}
