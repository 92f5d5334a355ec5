//! `POST /internal/ledger` of product-service: what order-service asks of the stock ledger, many entries a call.

use crate::ids::{MovementId, OrderId, ProductId};
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
    /// Promise these units to the order, or record that it cannot be.
    Reserve { order_id: OrderId, lines: Vec<RequestedLine> },
    /// Record that the order gets nothing, unless its reservation is already decided.
    Refuse { order_id: OrderId },
    /// Give units back that a cancelled order had reserved.
    Release { id: MovementId, order_id: OrderId, lines: Vec<RequestedLine> },
}

impl LedgerEntry {
    /// The identity of the movement that this entry leaves in the ledger.
    pub fn movement_id(&self) -> MovementId {
        match self {
            Self::Reserve { order_id, .. } | Self::Refuse { order_id } => order_id.reservation(),
            Self::Release { id, .. } => *id,
        }
    }

    pub fn lines(&self) -> &[RequestedLine] {
        match self {
            Self::Reserve { lines, .. } | Self::Release { lines, .. } => lines,
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
    /// The entry contradicts the ledger: it releases what was never reserved.
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
