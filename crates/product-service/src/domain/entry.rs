//! What is asked of the stock ledger, and what it answers.

use super::hold::{Hold, freed_by, kept_by};
use super::movement::{Movement, MovementLine};
use super::stock::Stock;
use common::ids::{HoldId, MovementId, ProductId};
use common::models::audit::AuditActor;
use common::models::inventory::MovementKind;
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome};
use common::models::location::LocationId;
use common::models::order::{Rejection, RequestedLine};
use common::models::product::{AdjustmentReason, Units};
use common::models::reservation::HoldStatus;

/// One wish. Its movement's identity comes with it, so that repeating it finds what it did the first time.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Of order-service.
    Order(LedgerEntry),
    /// Of staff.
    Stock(StockEntry),
    /// Of a checkout.
    Hold(HoldEntry),
}

/// What is asked of one hold.
#[derive(Clone, Debug)]
pub struct HoldEntry {
    pub id: HoldId,
    pub wish: HoldWish,
}

#[derive(Clone, Debug)]
pub enum HoldWish {
    /// Keep these units for so long.
    Keep { owner: String, lines: Vec<RequestedLine>, ttl_ms: i64 },
    /// So long from now, if it still stands.
    Extend { ttl_ms: i64 },
    /// Its owner gives the units back.
    Release,
    /// Its time may be over.
    Expire,
}

/// A change of one product's stock by hand.
#[derive(Clone, Debug)]
pub struct StockEntry {
    pub id: MovementId,
    pub product_id: ProductId,
    pub wish: Wish,
    pub actor: AuditActor,
}

#[derive(Clone, Debug)]
pub enum Wish {
    /// Sets what is available; on hand moves by the difference.
    SetAvailable {
        available: Units,
        /// At this place alone; else of all together, and the default location moves first.
        location_id: Option<LocationId>,
        expected: Expected,
    },
    /// Adds to what is on hand, or takes from it.
    Adjust { delta: i64, location_id: LocationId, reason: AdjustmentReason },
    /// Units came in; as many fewer are announced.
    Receive { quantity: i64, location_id: LocationId, reason: Option<AdjustmentReason> },
    /// Units went from one place to another.
    Transfer { from: LocationId, to: LocationId, quantity: i64, reason: Option<AdjustmentReason> },
    /// Changes how the product is kept; nothing moves.
    Configure { settings: Settings, expected: Expected },
}

/// What the asker believes is current; where it is not, nothing is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Sum of the versions of all rows.
    pub version: Option<i64>,
    pub available: Option<i64>,
}

/// How a product is kept; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub incoming: Option<i64>,
    pub backorder_limit: Option<i64>,
    pub low_stock_threshold: Option<Option<i64>>,
}

impl Wish {
    /// What this is called in the audit trail.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::SetAvailable { .. } => "stock.set",
            Self::Adjust { .. } => "stock.adjusted",
            Self::Receive { .. } => "stock.received",
            Self::Transfer { .. } => "stock.transferred",
            Self::Configure { .. } => "stock.configured",
        }
    }

    /// The movement that it leaves, where that does not depend on what is in stock.
    pub fn movement(&self, product_id: ProductId) -> Option<(MovementKind, Vec<MovementLine>, Option<&str>)> {
        let on_hand =
            |location_id: &LocationId, delta| MovementLine::on_hand(product_id, location_id.clone(), delta);
        match self {
            Self::Adjust { delta, location_id, reason } => {
                let lines = vec![on_hand(location_id, *delta)];
                Some((MovementKind::Adjustment, lines, Some(reason.as_str())))
            }
            Self::Receive { quantity, location_id, reason } => {
                let lines = vec![on_hand(location_id, *quantity)];
                Some((MovementKind::Receipt, lines, reason.as_ref().map(AdjustmentReason::as_str)))
            }
            Self::Transfer { from, to, quantity, reason } => {
                let lines = vec![on_hand(from, -quantity), on_hand(to, *quantity)];
                Some((MovementKind::Transfer, lines, reason.as_ref().map(AdjustmentReason::as_str)))
            }
            Self::SetAvailable { .. } | Self::Configure { .. } => None,
        }
    }

    /// The places that it names.
    pub fn locations(&self) -> Vec<&LocationId> {
        match self {
            Self::SetAvailable { location_id, .. } => location_id.iter().collect(),
            Self::Adjust { location_id, .. } | Self::Receive { location_id, .. } => vec![location_id],
            Self::Transfer { from, to, .. } => vec![from, to],
            Self::Configure { .. } => Vec::new(),
        }
    }
}

impl Entry {
    /// The products whose stock it may change.
    pub fn products(&self) -> Vec<ProductId> {
        match self {
            Self::Order(entry) => entry.lines().iter().map(|line| line.product_id).collect(),
            Self::Stock(entry) => vec![entry.product_id],
            Self::Hold(HoldEntry { wish: HoldWish::Keep { lines, .. }, .. }) => {
                lines.iter().map(|line| line.product_id).collect()
            }
            Self::Hold(_) => Vec::new(),
        }
    }

    pub fn movement_id(&self) -> MovementId {
        match self {
            Self::Order(entry) => entry.movement_id(),
            Self::Stock(entry) => entry.id,
            Self::Hold(HoldEntry { id, wish: HoldWish::Keep { .. } }) => kept_by(*id),
            Self::Hold(HoldEntry { id, .. }) => freed_by(*id),
        }
    }

    /// The places that it names.
    pub fn locations(&self) -> Vec<&LocationId> {
        match self {
            Self::Order(LedgerEntry::Ship { location_id, .. } | LedgerEntry::Return { location_id, .. }) => {
                location_id.iter().collect()
            }
            Self::Order(_) | Self::Hold(_) => Vec::new(),
            Self::Stock(entry) => entry.wish.locations(),
        }
    }

    /// The hold that it names.
    pub const fn hold_id(&self) -> Option<HoldId> {
        match self {
            Self::Order(LedgerEntry::Reserve { hold_id, .. }) => *hold_id,
            Self::Hold(entry) => Some(entry.id),
            Self::Order(_) | Self::Stock(_) => None,
        }
    }

    /// How much of a batch this entry takes: its lines.
    pub fn weight(&self) -> usize {
        match self {
            Self::Order(entry) => entry.lines().len().max(1),
            Self::Stock(_) => 1,
            Self::Hold(entry) => match &entry.wish {
                HoldWish::Keep { lines, .. } => lines.len().max(1),
                _ => 1,
            },
        }
    }

    /// The outcome of an entry whose batch could not be written.
    pub fn unavailable(&self) -> Outcome {
        match self {
            Self::Order(_) => Outcome::Order(LedgerOutcome::Failed { code: LedgerFailure::Unavailable }),
            Self::Stock(_) => Outcome::Stock(Err(StockRefused::Unavailable)),
            Self::Hold(_) => Outcome::Hold(Err(HoldRefused::Unavailable)),
        }
    }
}

/// The answer to one entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Order(LedgerOutcome),
    Stock(Result<StockChanged, StockRefused>),
    Hold(Result<HoldChanged, HoldRefused>),
}

impl Outcome {
    pub(super) const fn contradiction() -> Self {
        Self::Order(LedgerOutcome::Failed { code: LedgerFailure::Contradiction })
    }

    pub const fn is_contradiction(&self) -> bool {
        matches!(self, Self::Order(LedgerOutcome::Failed { code: LedgerFailure::Contradiction }))
    }
}

/// What a change by hand came to.
#[derive(Clone, Debug, PartialEq)]
pub struct StockChanged {
    /// All rows of the product after it.
    pub rows: Vec<Stock>,
    /// What stands in the ledger; nothing where nothing moved.
    pub movement: Option<Movement>,
    /// Whether an earlier request made the movement.
    pub replayed: bool,
    /// Whether anything was changed now.
    pub is_written: bool,
}

/// Why stock was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StockRefused {
    #[error("there is no such product")]
    UnknownProduct,
    #[error("there is no location {0}")]
    UnknownLocation(LocationId),
    #[error("the stock is at version {version}")]
    Stale { version: i64 },
    #[error("{available} units are available")]
    Unexpected { available: i64 },
    #[error("{on_hand} units are on hand and {reserved} of them reserved")]
    BelowReserved { on_hand: i64, reserved: i64 },
    #[error("{backordered} units are promised beyond what is on hand")]
    BelowBackordered { backordered: i64 },
    #[error("more units than one place holds")]
    TooManyUnits,
    #[error("the movement was made by another request")]
    KeyReused,
    #[error("the ledger could not be written in time")]
    Unavailable,
}

/// A hold after what was asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldChanged {
    pub hold: Hold,
    /// Whether an earlier request did it.
    pub replayed: bool,
}

/// Why a hold is not as it was asked to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefused {
    #[error("the units cannot be had")]
    NotToBeHad { reasons: Vec<Rejection> },
    #[error("there is no such hold")]
    Unknown,
    #[error("the hold is over")]
    Over { status: HoldStatus },
    #[error("the hold would last too long")]
    TooLong,
    #[error("the hold was made by another request")]
    KeyReused,
    #[error("the ledger could not be written in time")]
    Unavailable,
}
