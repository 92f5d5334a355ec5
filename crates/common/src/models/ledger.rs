//! `POST /internal/ledger` of product-service: what order-service asks of the stock ledger, many entries a call.

use super::location::LocationId;
use crate::ids::{HoldId, MovementId, OrderId, ProductId};
use crate::models::order::{Rejection, RequestedLine};
use crate::money::Currency;
use crate::text::Sku;
use serde::{Deserialize, Serialize};

/// Most entries of one call.
pub const MAX_ENTRIES: usize = 512;

/// Most lines of all entries of one call, unless it is a single entry.
pub const MAX_BATCH_LINES: usize = 2_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LedgerBatch {
    pub entries: Vec<LedgerEntry>,
}

/// One wish; every entry can be repeated for ever and is answered with what was recorded the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum LedgerEntry {
    /// Promise these units to the order, or record that it cannot be. The order's own reservation has the identity
    /// `order_id.reservation()`; what an edit needs more is reserved under an identity of its own.
    Reserve {
        id: MovementId,
        order_id: OrderId,
        lines: Vec<RequestedLine>,
        /// What was held for a checkout becomes the order's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_id: Option<HoldId>,
    },
    /// Record that the order gets nothing under this identity, unless it is already decided.
    Refuse { id: MovementId, order_id: OrderId },
    /// Give back units that the order has reserved and needs no longer.
    Release { id: MovementId, order_id: OrderId, lines: Vec<RequestedLine> },
    /// Units leave the building: what the order has reserved is consumed. From where it is reserved, unless the place
    /// is named.
    Ship {
        id: MovementId,
        order_id: OrderId,
        lines: Vec<RequestedLine>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location_id: Option<LocationId>,
    },
    /// Units that were shipped are on hand again. Where they were shipped from, unless the place is named.
    Return {
        id: MovementId,
        order_id: OrderId,
        lines: Vec<RequestedLine>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location_id: Option<LocationId>,
    },
}

impl LedgerEntry {
    /// The reservation of a new order, without a hold.
    pub fn reserve(order_id: OrderId, lines: Vec<RequestedLine>) -> Self {
        Self::Reserve { id: order_id.reservation(), order_id, lines, hold_id: None }
    }

    /// Decides a new order against it, unless its reservation stands.
    pub const fn refuse(order_id: OrderId) -> Self {
        Self::Refuse { id: order_id.reservation(), order_id }
    }

    /// The identity of the movement that this entry leaves in the ledger.
    pub const fn movement_id(&self) -> MovementId {
        match self {
            Self::Reserve { id, .. }
            | Self::Refuse { id, .. }
            | Self::Release { id, .. }
            | Self::Ship { id, .. }
            | Self::Return { id, .. } => *id,
        }
    }

    pub const fn order_id(&self) -> OrderId {
        match self {
            Self::Reserve { order_id, .. }
            | Self::Refuse { order_id, .. }
            | Self::Release { order_id, .. }
            | Self::Ship { order_id, .. }
            | Self::Return { order_id, .. } => *order_id,
        }
    }

    pub fn lines(&self) -> &[RequestedLine] {
        match self {
            Self::Reserve { lines, .. }
            | Self::Release { lines, .. }
            | Self::Ship { lines, .. }
            | Self::Return { lines, .. } => lines,
            Self::Refuse { .. } => &[],
        }
    }
}

/// One answer for each entry, in the order of the entries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerAnswer {
    pub outcomes: Vec<LedgerOutcome>,
}

/// `POST /internal/ledger/forecast`: what effects of orders would come to now; nothing is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerForecast {
    /// One for each entry, in their order.
    pub outcomes: Vec<LedgerOutcome>,
    /// Those that they name and that there are not.
    pub unknown_locations: Vec<LocationId>,
}

/// What stands in the ledger, durable on a majority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LedgerOutcome {
    /// The units are the order's; the items copy what is being bought, in the order of the request's lines.
    Reserved { currency: Currency, items: Vec<ReservedItem> },
    /// The order gets nothing, for ever.
    Refused { reasons: Vec<Rejection> },
    /// The movement stands.
    Applied,
    /// This entry has no outcome yet, and whether it was written is not known. It may be sent again: then it is
    /// answered with what stands.
    Failed { code: LedgerFailure },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerFailure {
    /// The ledger could not be written in time.
    Unavailable,
    /// The entry contradicts the ledger: it releases or ships what is not reserved, takes back what was not shipped, or
    /// its identity stands for another movement.
    Contradiction,
}

/// What one line of a reservation bought: the name and unit price of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservedItem {
    pub product_id: ProductId,
    pub quantity: u32,
    pub sku: Sku,
    pub name: String,
    /// Minor units of the reservation's currency.
    pub unit_price_minor: i64,
}
