//! Stock: what is where, and the ledger that explains it.

use serde::{Deserialize, Serialize};

/// What a line of the ledger says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
