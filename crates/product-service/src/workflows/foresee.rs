//! What entries of the ledger would come to, judged as they are when they are posted, and left at that.

use crate::domain::entry::{Entry, Outcome};
use crate::domain::ledger::{Offers, Terms};
use crate::domain::places::Places;
use crate::startup::AppState;
use crate::store::ledger::PostError;
use common::context;
use common::mongo::jitter;
use common::time::Timestamp;
use std::time::{Duration, Instant};

/// How long it may take where no request's deadline is known.
const BUDGET: Duration = Duration::from_secs(4);

/// Tries while the primary changes.
const TRIES: u32 = 3;

/// Wait before another try.
const PAUSE: Duration = Duration::from_millis(20);

/// One outcome for each entry, in their order. Nothing is written.
pub async fn foresee(
    state: &AppState,
    entries: &[Entry],
    offers: &Offers,
    places: &Places,
) -> Result<Vec<Outcome>, PostError> {
    let deadline = Instant::now() + context::time_left(BUDGET);
    for _ in 1..TRIES {
        let terms = Terms { offers, places, at: Timestamp::now() };
        match state.ledger.foresee(entries, terms, deadline).await {
            Err(PostError::Conflict(_)) => tokio::time::sleep(jitter(PAUSE)).await,
            foreseen => return foreseen,
        }
    }
    state.ledger.foresee(entries, Terms { offers, places, at: Timestamp::now() }, deadline).await
}
