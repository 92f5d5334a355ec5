//! What is asked of the stock ledger, and what it answers.

use super::movement::Movement;
use super::stock::Stock;
use common::ids::{MovementId, ProductId};
use common::models::audit::AuditActor;
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome};
use common::models::product::{AdjustmentReason, Units};

/// One wish. Its movement's identity comes with it, so that repeating it finds what it did the first time.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Of order-service.
    Order(LedgerEntry),
    SetAvailable(SetAvailable),
    Adjust(Adjust),
}

/// Sets what is available; on hand moves by the difference.
#[derive(Clone, Debug)]
pub struct SetAvailable {
    pub id: MovementId,
    pub product_id: ProductId,
    pub available: Units,
    /// The version of the stock that the asker believes is current.
    pub expected_version: Option<i64>,
    pub actor: AuditActor,
}

/// Adds to what is on hand, or takes from it.
#[derive(Clone, Debug)]
pub struct Adjust {
    pub id: MovementId,
    pub product_id: ProductId,
    pub delta: i64,
    pub reason: AdjustmentReason,
    pub actor: AuditActor,
}

impl Entry {
    pub fn movement_id(&self) -> MovementId {
        match self {
            Self::Order(entry) => entry.movement_id(),
            Self::SetAvailable(set) => set.id,
            Self::Adjust(adjust) => adjust.id,
        }
    }

    /// Who changes stock by hand, and what that is called in the audit trail.
    pub fn by_hand(&self) -> Option<(&AuditActor, &'static str)> {
        match self {
            Self::Order(_) => None,
            Self::SetAvailable(set) => Some((&set.actor, "stock.set")),
            Self::Adjust(adjust) => Some((&adjust.actor, "stock.adjusted")),
        }
    }

    /// How much of a batch this entry takes: its lines.
    pub fn weight(&self) -> usize {
        match self {
            Self::Order(entry) => entry.lines().len().max(1),
            Self::SetAvailable(_) | Self::Adjust(_) => 1,
        }
    }

    /// The outcome of an entry whose batch could not be written.
    pub fn unavailable(&self) -> Outcome {
        match self {
            Self::Order(_) => Outcome::Order(LedgerOutcome::Failed { code: LedgerFailure::Unavailable }),
            Self::SetAvailable(_) | Self::Adjust(_) => Outcome::Stock(Err(StockRefused::Unavailable)),
        }
    }
}

/// The answer to one entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Order(LedgerOutcome),
    Stock(Result<StockChanged, StockRefused>),
}

impl Outcome {
    pub(super) fn contradiction() -> Self {
        Self::Order(LedgerOutcome::Failed { code: LedgerFailure::Contradiction })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum StockChanged {
    /// The stock after it was set.
    Set(Stock),
    Adjusted {
        movement: Movement,
        /// Whether an earlier request made the movement.
        replayed: bool,
    },
}

/// Why stock was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StockRefused {
    #[error("there is no such product")]
    UnknownProduct,
    #[error("the stock is at version {version}")]
    Stale { version: i64 },
    #[error("{on_hand} units are on hand and {reserved} of them reserved")]
    BelowReserved { on_hand: i64, reserved: i64 },
    #[error("more units than one place holds")]
    TooManyUnits,
    #[error("the movement was made by another request")]
    KeyReused,
    #[error("the ledger could not be written in time")]
    Unavailable,
}
