//! An order as it is stored.

use common::ids::{CustomerId, FulfillmentId, HoldId, Id, MovementId, OrderId, ProductId, ReturnId};
use common::models::address::PostalAddress;
use common::models::fulfillment::Fulfillment;
use common::models::location::LocationId;
use common::models::order::{FulfillmentStatus, OrderEvent, OrderStatus, Rejection, RequestedLine};
use common::models::order_change::{EditedLine, OrderHold, OrderNote, Tag};
use common::models::order_import::{OriginKind, StockUse};
use common::models::order_label::{ExternalId, Metadata, OrderRemark};
use common::models::order_return::Return;
use common::money::{Currency, Money};
use common::text::Sku;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Marks what identifies a request, whoever sends it again.
pub enum Requested {}

/// The UUIDv8 over all that a request asked for.
pub type Fingerprint = Id<Requested>;

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<OrderRemark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// What was held for the checkout, for as long as the order is not decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fulfillments: Vec<Fulfillment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<OrderHold>,
    /// Sorted, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<OrderNote>,
    /// An edit that waits for its stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Box<Edit>>,
    /// Edits that are settled with what they reserved, by the identities of their reservations; an edit that needed no
    /// stock has no reservation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<MovementId>,
    pub fingerprint: Fingerprint,
    /// What product-service is still to be told, and what it was told lately.
    pub effects: Vec<Effect>,
    /// Delivered effects that no longer stand in `effects`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pruned_effects: u32,
    /// How it came, where it was not placed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    pub history: Vec<Change>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// How an order came that was not placed here, and what it does to stock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    pub kind: OriginKind,
    pub stock: StockUse,
    /// When the order was created elsewhere, for as long as its stock is not decided: until then it counts from when
    /// it came here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
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
    /// Of the returned units, those that were put back into stock.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restocked: u32,
    /// Of the shipped units, those that had left before the order came here: no stock of ours was theirs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shipped_before: u32,
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
            restocked: 0,
            shipped_before: 0,
            sku: None,
            name: None,
            unit_price_minor: None,
        }
    }

    /// Units that are not cancelled.
    pub const fn kept(&self) -> u32 {
        self.quantity.saturating_sub(self.cancelled)
    }

    /// Units that are neither cancelled nor shipped: the ledger holds them reserved.
    pub const fn open(&self) -> u32 {
        self.kept().saturating_sub(self.shipped)
    }

    /// Restocked units that came back to our stock: those that had left before the order came here count first.
    pub const fn taken_back(&self) -> u32 {
        self.restocked.saturating_sub(self.shipped_before)
    }

    /// Unit price times what is not cancelled; `None` before the price is known or where it is too large.
    pub fn total(&self) -> Option<Money> {
        Money::from_minor(self.unit_price_minor?).ok()?.checked_mul(self.kept())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// An edit that needs more stock than the order has: recorded first, decided by its reservation, then settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// The identity of its reservation.
    pub id: MovementId,
    /// What the order is to become.
    pub lines: Vec<EditedLine>,
    /// What it needs more than the order has.
    pub more: Vec<RequestedLine>,
    pub at: Timestamp,
    pub actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// An effect on stock that this order owes: due in the same write that made it necessary, delivered by its identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    pub id: MovementId,
    pub kind: EffectKind,
    pub lines: Vec<RequestedLine>,
    /// Where, if the request named a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    pub state: EffectState,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffectKind {
    /// Reserved units become available again.
    Release,
    /// Reserved units leave the building.
    Shipment,
    /// Shipped units are on hand again.
    Return,
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
    /// What that request asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfillment_id: Option<FulfillmentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
    /// The edit that was requested, made or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_id: Option<MovementId>,
    /// Why an edit was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
}

/// A request that carries a key: whose it is, and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Of the move, the order, the caller and the key.
    pub id: Fingerprint,
    /// Of the body.
    pub asked: Fingerprint,
}

impl Change {
    /// A change about the order alone.
    pub const fn new(at: Timestamp, actor: String, event: OrderEvent) -> Self {
        Self {
            at,
            actor,
            event,
            note: None,
            request: None,
            asked: None,
            fulfillment_id: None,
            return_id: None,
            edit_id: None,
            rejections: Vec::new(),
        }
    }
}

impl Order {
    pub fn effects_due(&self) -> impl Iterator<Item = &Effect> {
        self.effects.iter().filter(|effect| effect.state == EffectState::Due)
    }

    /// Whether anything that becomes of the order moves stock.
    pub fn touches_stock(&self) -> bool {
        self.origin.is_none_or(|origin| origin.stock != StockUse::None)
    }

    /// What the order needs reserved before it is confirmed, in the order of its lines.
    pub fn requested_lines(&self) -> Vec<RequestedLine> {
        self.lines
            .iter()
            .filter_map(|line| {
                let quantity = line.open().try_into().ok()?;
                Some(RequestedLine { product_id: line.product_id, quantity })
            })
            .collect()
    }

    /// The line of a product.
    pub fn line(&self, product: ProductId) -> Option<&Line> {
        self.lines.iter().find(|line| line.product_id == product)
    }

    /// What the ledger did for an edit: `None` while it is not settled.
    pub fn settled_edit(&self, id: MovementId) -> Option<&Change> {
        let ends = |change: &&Change| change.edit_id == Some(id) && change.event != OrderEvent::EditRequested;
        self.history.iter().rev().find(ends)
    }
}
