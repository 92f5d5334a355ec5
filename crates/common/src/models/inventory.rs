//! Stock: what is where, and the ledger that explains it.

use super::location::LocationId;
use super::order::Quantity;
use super::patch::removable;
use super::product::{AdjustmentReason, Units};
use crate::ids::{HoldId, MovementId, OrderId, ProductId};
use crate::text::Sku;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a line of the ledger says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MovementKind {
    /// An order's units are promised to it.
    Reservation,
    /// An order gets nothing, for ever.
    Refusal,
    /// Units that were promised to an order are free again.
    Release,
    /// An order's units left the building.
    Shipment,
    /// An order's units are back.
    Return,
    /// Stock was counted or corrected by hand.
    Adjustment,
    /// Units came in.
    Receipt,
    /// Units went from one place to another.
    Transfer,
    /// Units are kept for a checkout.
    Hold,
    /// Units that were kept for a checkout are free again: given back, expired, or taken by its order.
    HoldRelease,
}

impl MovementKind {
    /// As they are written.
    pub const NAMES: [&str; 10] = [
        "reservation",
        "refusal",
        "release",
        "shipment",
        "return",
        "adjustment",
        "receipt",
        "transfer",
        "hold",
        "holdRelease",
    ];
}

/// What is of a product at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationStock {
    pub location_id: LocationId,
    pub on_hand: i64,
    pub reserved: i64,
    pub available: i64,
}

/// `GET /products/{id}/inventory`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    pub product_id: ProductId,
    /// Units in the building.
    pub on_hand: i64,
    /// Units promised to orders that are not shipped yet, and to checkouts.
    pub reserved: i64,
    /// Units on hand that are promised to nobody.
    pub available: i64,
    /// Units that are promised and not on hand.
    pub backordered: i64,
    /// How many may be.
    pub backorder_limit: i64,
    /// Units that are announced and did not come in yet.
    pub incoming: i64,
    /// The product is low where no more than this is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock_threshold: Option<i64>,
    pub is_low: bool,
    /// Those that orders take from first, in front.
    pub locations: Vec<LocationStock>,
}

/// `PATCH /products/{id}/inventory`: how the product is kept; nothing moves.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InventoryChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incoming: Option<Units>,
    /// `null` takes the product off the watch.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub low_stock_threshold: Option<Option<Units>>,
}

/// `POST /products/{id}/inventory/receipts`: units came in; as many fewer are announced.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReceipt {
    pub quantity: Quantity,
    /// The default location where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    /// The delivery note, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<AdjustmentReason>,
}

/// `POST /products/{id}/inventory/transfers`: units go from one place to another.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTransfer {
    pub from: LocationId,
    pub to: LocationId,
    pub quantity: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<AdjustmentReason>,
}

/// What one movement did to a product at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MovementLine {
    pub location_id: LocationId,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
}

/// A line of the ledger, as far as it is about one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    pub id: MovementId,
    pub kind: MovementKind,
    pub product_id: ProductId,
    pub lines: Vec<MovementLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
    /// An account, an API key or one of our services.
    pub actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at: Timestamp,
}

/// `GET /products/{id}/inventory/explain`: every unit on hand and reserved, by what put it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub product_id: ProductId,
    pub on_hand: i64,
    pub reserved: i64,
    /// Whether the movements add up to exactly that, at every place.
    pub adds_up: bool,
    pub locations: Vec<ExplainedLocation>,
    pub kinds: Vec<ExplainedKind>,
    /// Orders that have units of the product reserved or shipped: a page of them, by their identities. Over all pages
    /// they add up to what `kinds` says of reservations, releases, shipments and returns.
    pub orders: Vec<ExplainedOrder>,
    /// Checkouts that keep units of the product now; at most a page of them, those that end first.
    pub holds: Vec<ExplainedHold>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedLocation {
    pub location_id: LocationId,
    pub on_hand: i64,
    pub reserved: i64,
    /// What the movements add up to.
    pub on_hand_moved: i64,
    pub reserved_moved: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedKind {
    pub kind: MovementKind,
    pub movements: i64,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedOrder {
    pub order_id: OrderId,
    /// Units that the order has reserved now.
    pub reserved: i64,
    /// Units that it had shipped and did not bring back.
    pub shipped: i64,
    pub movements: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedHold {
    pub hold_id: HoldId,
    pub reserved: i64,
    pub expires_at: Timestamp,
}

/// One line of `GET /stock/low`: a product that runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LowStock {
    pub product_id: ProductId,
    pub sku: Sku,
    pub name: String,
    pub available: i64,
    pub incoming: i64,
    pub low_stock_threshold: i64,
    pub since: Timestamp,
}
