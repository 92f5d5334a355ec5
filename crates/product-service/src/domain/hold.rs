//! Units kept for a checkout, until an order names them, they are given back, or their time is over.

use super::movement::MovementLine;
use common::ids::{HoldId, MovementId, OrderId, ProductId};
use common::models::location::LocationId;
use common::models::order::RequestedLine;
use common::models::reservation::{self as model, HoldStatus, MAX_HOLD_LIFE_S};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// So many units of one product at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Portion {
    pub product_id: ProductId,
    pub location_id: LocationId,
    pub units: i64,
}

/// A hold as it is stored. Its movement in the ledger has its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    #[serde(rename = "_id")]
    pub id: HoldId,
    /// Who may extend it, give it back and see it.
    pub owner: String,
    pub status: HoldStatus,
    pub lines: Vec<RequestedLine>,
    /// Where the units are.
    pub portions: Vec<Portion>,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Raised by every change.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The movement that keeps the units.
pub const fn kept_by(id: HoldId) -> MovementId {
    MovementId::from_uuid(id.uuid())
}

/// The movement that frees them, however the hold ends: there is one at most.
pub fn freed_by(id: HoldId) -> MovementId {
    MovementId::derived(&[b"free_hold", id.as_bytes()])
}

impl Hold {
    /// At the instant it expires the units are anybody's.
    pub fn is_active_at(&self, at: Timestamp) -> bool {
        self.status == HoldStatus::Active && at < self.expires_at
    }

    pub fn is_due_at(&self, at: Timestamp) -> bool {
        self.status == HoldStatus::Active && at >= self.expires_at
    }

    /// The hold as it ends.
    pub fn ended(&self, status: HoldStatus, order_id: Option<OrderId>, at: Timestamp) -> Self {
        Self { status, order_id, version: self.version + 1, updated_at: at, ..self.clone() }
    }

    /// The hold, lasting until then at least; `None` where it would last too long altogether.
    pub fn extended(&self, until: Timestamp, at: Timestamp) -> Option<Self> {
        let last = self.created_at.plus_millis(i64::from(MAX_HOLD_LIFE_S) * 1000);
        if until > last {
            return None;
        }
        let expires_at = self.expires_at.max(until);
        Some(Self { expires_at, version: self.version + 1, updated_at: at, ..self.clone() })
    }

    /// What ending it does to stock.
    pub fn freed_lines(&self) -> Vec<MovementLine> {
        let freed = |portion: &Portion| {
            MovementLine::reserved(portion.product_id, portion.location_id.clone(), -portion.units)
        };
        self.portions.iter().map(freed).collect()
    }

    /// The hold as its owner sees it.
    pub fn shown(&self, at: Timestamp) -> model::Hold {
        model::Hold {
            id: self.id,
            status: if self.is_due_at(at) { HoldStatus::Expired } else { self.status },
            lines: self.lines.clone(),
            expires_at: self.expires_at,
            order_id: self.order_id,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
