//! What product-service counts beside its requests: what the stock ledger answered.

use common::metrics::{Counters, counters, label};
use common::models::ledger::{LedgerFailure, LedgerOutcome};
use common::models::order::RejectionCode;
use std::sync::LazyLock;

static OUTCOMES: LazyLock<Counters<1>> = LazyLock::new(|| {
    let help = "Entries of orders, by what the ledger answered: reserved, refused, applied, unavailable, contradiction.";
    counters("oms_ledger_outcomes", help)
});
static REFUSALS: LazyLock<Counters<1>> = LazyLock::new(|| {
    counters("oms_ledger_refusals", "Reasons that reservations were refused for; one may have many.")
});

/// Shows every series from the start, so that a rate sees the first of each.
pub fn start() {
    for outcome in ["reserved", "refused", "applied", "unavailable", "contradiction"] {
        OUTCOMES.get_or_create_owned(&[label("outcome", outcome)]);
    }
    for code in RejectionCode::ALL {
        REFUSALS.get_or_create_owned(&[label("reason", code.as_str())]);
    }
}

/// Counts what the entries of one call came to.
pub fn answered(outcomes: &[LedgerOutcome]) {
    for outcome in outcomes {
        let name = match outcome {
            LedgerOutcome::Reserved { .. } => "reserved",
            LedgerOutcome::Refused { reasons } => {
                for rejection in reasons {
                    REFUSALS.get_or_create(&[label("reason", rejection.code.as_str())]).inc();
                }
                "refused"
            }
            LedgerOutcome::Applied => "applied",
            LedgerOutcome::Failed { code: LedgerFailure::Unavailable } => "unavailable",
            LedgerOutcome::Failed { code: LedgerFailure::Contradiction } => "contradiction",
        };
        OUTCOMES.get_or_create(&[label("outcome", name)]).inc();
    }
}
