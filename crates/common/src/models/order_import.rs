//! Orders of another system, as rows of a file.

use super::address::PostalAddress;
use super::object::ObjectOnly;
use super::order::{OrderStatus, Quantity};
use super::order_change::Tag;
use super::order_label::{ExternalId, Metadata, OrderRemark};
use crate::ids::{CustomerId, ProductId};
use crate::money::{Amount, Currency};
use crate::text::{Email, Sku, Text};
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// What a product was called when it was bought: 1 to 200 characters.
pub type BoughtName = Text<1, 200>;

/// What imported orders do to stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StockUse {
    /// Nothing, now or later: they are history.
    #[default]
    None,
    /// What is open of them is reserved as for an order that is placed here.
    Reserve,
}

impl StockUse {
    /// The value of `stock`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Reserve => "reserve",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OriginKind {
    Import,
}

/// How an order came that was not placed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderOrigin {
    pub kind: OriginKind,
    pub stock: StockUse,
}

/// One row of `POST /orders/import`: an order of another system as it stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportedOrder {
    /// Its name there: the same row again is the same order.
    pub external_id: ExternalId,
    /// Whose it is: this or their address, not both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_email: Option<Email>,
    pub created_at: Timestamp,
    /// When its parcels left; where it is left out, when the order was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipped_at: Option<Timestamp>,
    /// When they arrived; where it is left out, when they left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// `confirmed`, `cancelled` or `completed`, as the lines count. Where no line counts anything, what it says holds
    /// for all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    pub currency: Currency,
    /// 1 to 2,000, each product once.
    pub lines: Vec<ImportedLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<PostalAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<PostalAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<OrderRemark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// One product of an imported order, and what has become of its units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportedLine {
    /// Which product: this or its sku, not both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// What it was called; where it is left out, what it is called now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<BoughtName>,
    pub unit_price: Amount,
    pub quantity: Quantity,
    /// Of the quantity; together with `shipped` no more than it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cancelled: u32,
    /// Of the quantity.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shipped: u32,
    /// Of the shipped ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delivered: u32,
    /// Of the delivered ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub returned: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Serialize for ImportedLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for ImportedLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ObjectOnly(deserializer))
    }
}
