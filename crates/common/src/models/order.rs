//! Orders and their lines.

use super::address::PostalAddress;
use super::bounded;
use super::fulfillment::Fulfillment;
use super::object::ObjectOnly;
use super::order_change::{OrderHold, OrderNote, Tag};
use super::order_import::OrderOrigin;
use super::order_label::{ExternalId, Metadata, OrderRemark};
use super::order_return::Return;
use crate::ids::{AddressId, CustomerId, FulfillmentId, HoldId, OrderId, ProductId, ReturnId};
use crate::money::{Amount, Currency};
use crate::text::Sku;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Most lines of one order.
pub const MAX_LINES: usize = 2_000;

/// Units of one product on one line: a whole number from 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    pub const MAX: u32 = 1_000_000;

    pub const fn get(self) -> u32 {
        self.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be a whole number from 1 to {}", Quantity::MAX)]
pub struct InvalidQuantity;

impl TryFrom<u32> for Quantity {
    type Error = InvalidQuantity;
    fn try_from(units: u32) -> Result<Self, InvalidQuantity> {
        if (1..=Self::MAX).contains(&units) { Ok(Self(units)) } else { Err(InvalidQuantity) }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bounded::whole::<1, { Self::MAX }, D>(deserializer).map(Self)
    }
}

/// `POST /orders`: either `productId` and `quantity`, or `lines`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrder {
    pub customer_id: CustomerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// 1 to 2,000 lines, each product once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Option<Vec<RequestedLine>>,
    /// Where the parcels go; the order keeps a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<PostalAddress>,
    /// One of the customer's own addresses, in place of `shippingAddress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address_id: Option<AddressId>,
    /// Where the invoice goes; the order keeps a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<PostalAddress>,
    /// One of the customer's own addresses, in place of `billingAddress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address_id: Option<AddressId>,
    /// What the customer says to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<OrderRemark>,
    /// The order's name in another system: no two orders of a shop share one, but for those that were rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Units that were held for this checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
}

impl NewOrder {
    /// One product, without an address.
    pub fn of_one(customer_id: CustomerId, product_id: ProductId, quantity: Quantity) -> Self {
        Self { product_id: Some(product_id), quantity: Some(quantity), ..Self::empty(customer_id) }
    }

    /// Many products, without an address.
    pub fn of_many(customer_id: CustomerId, lines: Vec<RequestedLine>) -> Self {
        Self { lines: Some(lines), ..Self::empty(customer_id) }
    }

    fn empty(customer_id: CustomerId) -> Self {
        Self {
            customer_id,
            product_id: None,
            quantity: None,
            lines: None,
            shipping_address: None,
            shipping_address_id: None,
            billing_address: None,
            billing_address_id: None,
            note: None,
            external_id: None,
            metadata: Metadata::default(),
            hold_id: None,
        }
    }
}

/// So many units of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestedLine {
    pub product_id: ProductId,
    pub quantity: Quantity,
}

impl Serialize for RequestedLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for RequestedLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ObjectOnly(deserializer))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Recorded; its stock is not decided yet.
    Pending,
    /// Its stock is reserved.
    Confirmed,
    /// Out of stock, unknown product, or expired while pending.
    Rejected,
    /// Cancelled before anything was shipped.
    Cancelled,
    /// Everything delivered or cancelled, and something delivered.
    Completed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FulfillmentStatus {
    Unfulfilled,
    PartiallyFulfilled,
    Fulfilled,
    Delivered,
}

/// The order of a list: by the time of creation or of the last change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OrderSort {
    #[default]
    #[serde(rename = "-createdAt")]
    NewestFirst,
    #[serde(rename = "createdAt")]
    OldestFirst,
    #[serde(rename = "-updatedAt")]
    LastChangedFirst,
    #[serde(rename = "updatedAt")]
    LastChangedLast,
}

/// An order. `productId` and `quantity` stand at the top too when there is exactly one line.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub id: OrderId,
    pub customer_id: CustomerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    pub status: OrderStatus,
    pub fulfillment_status: FulfillmentStatus,
    pub lines: Vec<OrderLine>,
    /// Known once the order is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Sum of the lines, known once the order is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Amount>,
    /// Why the order was rejected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<PostalAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<PostalAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<OrderRemark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fulfillments: Vec<Fulfillment>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<OrderHold>,
    /// Whether an edit waits for its stock.
    #[serde(default, skip_serializing_if = "is_false")]
    pub edit_pending: bool,
    /// For staff; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// For staff; oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<OrderNote>,
    /// How it came, where it was not placed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<OrderOrigin>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// One product of an order. Name, sku and unit price are copied when the order is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    pub product_id: ProductId,
    pub quantity: u32,
    pub cancelled: u32,
    pub shipped: u32,
    pub delivered: u32,
    pub returned: u32,
    /// Of the returned units, those that were put back into stock.
    #[serde(default)]
    pub restocked: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Amount>,
    /// Unit price times the quantity that is not cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Amount>,
}

/// Why one product, or the whole order where `productId` is missing, could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
    pub code: RejectionCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    OutOfStock,
    UnknownProduct,
    /// The product exists but is not for sale.
    ProductNotActive,
    /// The lines are priced in more than one currency.
    MixedCurrencies,
    /// The total is larger than the system holds.
    TotalTooLarge,
    /// Nobody reserved stock in time.
    Expired,
}

impl RejectionCode {
    pub const ALL: [Self; 6] = [
        Self::OutOfStock,
        Self::UnknownProduct,
        Self::ProductNotActive,
        Self::MixedCurrencies,
        Self::TotalTooLarge,
        Self::Expired,
    ];

    /// As it is written in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::UnknownProduct => "unknown_product",
            Self::ProductNotActive => "product_not_active",
            Self::MixedCurrencies => "mixed_currencies",
            Self::TotalTooLarge => "total_too_large",
            Self::Expired => "expired",
        }
    }
}

/// One change of an order, oldest first in `GET /orders/{id}/history`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    pub at: Timestamp,
    /// A customer's or staff member's id, or the name of a service.
    pub actor: String,
    pub event: OrderEvent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The fulfilment that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfillment_id: Option<FulfillmentId>,
    /// The return that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
    /// Why an edit was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderEvent {
    Placed,
    /// It came from another system.
    Imported,
    Confirmed,
    Rejected,
    /// Some or all of what was not shipped.
    Cancelled,
    Shipped,
    Delivered,
    ReturnRequested,
    ReturnApproved,
    ReturnDeclined,
    ReturnReceived,
    /// An edit waits for its stock.
    EditRequested,
    Edited,
    /// There was no stock for the edit; the order is as it was.
    EditRefused,
    Held,
    Released,
    Noted,
    Tagged,
    /// What was personal was taken out: the customer was erased.
    PersonErased,
}

/// `POST /internal/customers/{id}/erase` of order-service: how many orders held something personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErasedOrders {
    pub erased: u64,
}

/// `GET /internal/customers/{id}/orders` of order-service: everything held about a customer's orders, a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldOrders {
    pub orders: Vec<HeldOrder>,
    /// Where the next page begins; missing on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An order with its history.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldOrder {
    pub order: Order,
    pub history: Vec<HistoryEntry>,
}
