//! The lines of the stock ledger: each says what happened once and is never changed.

use super::stock::{MAIN, StockId};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::ledger::ReservedItem;
use common::models::order::Rejection;
use common::money::Currency;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MovementKind {
    /// An order's units are promised to it.
    Reservation,
    /// An order gets nothing, for ever.
    Refusal,
    /// Units that were promised are free again.
    Release,
    Shipment,
    Return,
    /// Stock was counted or corrected by hand.
    Adjustment,
    /// Units came in.
    Receipt,
    Transfer,
}

impl MovementKind {
    pub const ALL: [&str; 8] =
        ["reservation", "refusal", "release", "shipment", "return", "adjustment", "receipt", "transfer"];
}

/// What a movement did to one row of stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementLine {
    pub product_id: ProductId,
    pub location_id: String,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
}

impl MovementLine {
    pub fn on_hand(product_id: ProductId, delta: i64) -> Self {
        Self { product_id, location_id: MAIN.to_owned(), on_hand_delta: delta, reserved_delta: 0 }
    }

    pub fn reserved(product_id: ProductId, location_id: &str, delta: i64) -> Self {
        Self { product_id, location_id: location_id.to_owned(), on_hand_delta: 0, reserved_delta: delta }
    }

    pub fn stock_id(&self) -> StockId {
        StockId::new(self.product_id, &self.location_id)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    #[serde(rename = "_id")]
    pub id: MovementId,
    pub kind: MovementKind,
    pub lines: Vec<MovementLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Of a reservation: what was bought, in the order of the request's lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ReservedItem>,
    /// Of a reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Of a refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Rejection>,
    /// An account's id, or the name of a service.
    pub actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at: Timestamp,
}

impl Movement {
    pub fn new(
        id: MovementId,
        kind: MovementKind,
        lines: Vec<MovementLine>,
        actor: &str,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            kind,
            lines,
            order_id: None,
            items: Vec::new(),
            currency: None,
            reasons: Vec::new(),
            actor: actor.to_owned(),
            reason: None,
            at,
        }
    }
}
