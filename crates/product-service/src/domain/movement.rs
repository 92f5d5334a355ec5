//! The lines of the stock ledger: each says what happened once and is never changed.

use super::stock::StockId;
use common::ids::{HoldId, MovementId, OrderId, ProductId};
use common::models::inventory::{self as model, MovementKind};
use common::models::ledger::ReservedItem;
use common::models::location::LocationId;
use common::models::order::Rejection;
use common::money::Currency;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a movement did to one row of stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementLine {
    pub product_id: ProductId,
    pub location_id: LocationId,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
}

impl MovementLine {
    pub const fn on_hand(product_id: ProductId, location_id: LocationId, delta: i64) -> Self {
        Self { product_id, location_id, on_hand_delta: delta, reserved_delta: 0 }
    }

    pub const fn reserved(product_id: ProductId, location_id: LocationId, delta: i64) -> Self {
        Self { product_id, location_id, on_hand_delta: 0, reserved_delta: delta }
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
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
            hold_id: None,
            items: Vec::new(),
            currency: None,
            reasons: Vec::new(),
            actor: actor.to_owned(),
            reason: None,
            at,
        }
    }

    /// An entry that stands for the same order.
    pub fn of_order(self, order_id: OrderId) -> Self {
        Self { order_id: Some(order_id), ..self }
    }

    /// What people see of it, as far as it is about one product.
    pub fn shown(&self, product_id: ProductId) -> model::Movement {
        let about = self.lines.iter().filter(|line| line.product_id == product_id);
        let line = |line: &MovementLine| model::MovementLine {
            location_id: line.location_id.clone(),
            on_hand_delta: line.on_hand_delta,
            reserved_delta: line.reserved_delta,
        };
        model::Movement {
            id: self.id,
            kind: self.kind,
            product_id,
            lines: about.map(line).collect(),
            order_id: self.order_id,
            hold_id: self.hold_id,
            actor: self.actor.clone(),
            reason: self.reason.clone(),
            at: self.at,
        }
    }

    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}
