//! An order as it is stored.

use common::ids::{CustomerId, Id, MovementId, OrderId, ProductId};
use common::models::address::PostalAddress;
use common::models::order::{FulfillmentStatus, OrderEvent, OrderStatus, Rejection, RequestedLine};
use common::money::{Currency, Money};
use common::text::Sku;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Marks the identity of a request: what it asked for, whoever sends it again.
pub enum Request {}

/// The UUIDv8 over all that a request asked for.
pub type Fingerprint = Id<Request>;

/// The version that every order is recorded with.
pub const FIRST_VERSION: i64 = 1;

/// One order. It changes only through [`super::moves::apply`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    #[serde(rename = "_id")]
    pub id: OrderId,
    pub customer_id: CustomerId,
    pub status: OrderStatus,
    pub fulfillment_status: FulfillmentStatus,
    /// Raised by every change; a change is a compare-and-swap on it.
    pub version: i64,
    pub lines: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Sum of the lines in minor units, known once the order is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_minor: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Box<PostalAddress>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Box<PostalAddress>>,
    pub fingerprint: Fingerprint,
    /// What product-service is still to be told, and what it was told.
    pub effects: Vec<Effect>,
    pub history: Vec<Change>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One product of an order. The quantities are the truth; both statuses follow from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub product_id: ProductId,
    pub quantity: u32,
    pub cancelled: u32,
    pub shipped: u32,
    pub delivered: u32,
    pub returned: u32,
    /// Sku, name and unit price are copied when the order is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price_minor: Option<i64>,
}

impl Line {
    pub fn new(requested: &RequestedLine) -> Self {
        Self {
            product_id: requested.product_id,
            quantity: requested.quantity.get(),
            cancelled: 0,
            shipped: 0,
            delivered: 0,
            returned: 0,
            sku: None,
            name: None,
            unit_price_minor: None,
        }
    }

    /// Unit price times what is not cancelled; `None` before the price is known or where it is too large.
    pub fn total(&self) -> Option<Money> {
        let price = Money::from_minor(self.unit_price_minor?).ok()?;
        price.checked_mul(self.quantity.saturating_sub(self.cancelled))
    }
}

/// An effect on stock that this order owes: due in the same write that made it necessary, delivered by its identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    pub id: MovementId,
    pub kind: EffectKind,
    pub lines: Vec<RequestedLine>,
    pub state: EffectState,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectKind {
    /// Reserved units become available again.
    Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectState {
    Due,
    Done,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub at: Timestamp,
    pub actor: String,
    pub event: OrderEvent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The keyed request that made the change, so that its repeat finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Fingerprint>,
}

impl Order {
    pub fn effects_due(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter().filter(|effect| effect.state == EffectState::Due)
    }

    /// What the order asked for, in the order of its lines.
    pub fn requested_lines(&self) -> Vec<RequestedLine> {
        self.lines
            .iter()
            .filter_map(|line| {
                let quantity = line.quantity.try_into().ok()?;
                Some(RequestedLine { product_id: line.product_id, quantity })
            })
            .collect()
    }
}
