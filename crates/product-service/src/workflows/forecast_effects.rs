//! What effects of orders would come to, for order-service to ask before it changes an order.

use crate::domain::entry::{Entry, Outcome};
use crate::domain::ledger::{Offers, Terms};
use crate::startup::AppState;
use crate::store::ledger::PostError;
use common::context;
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerForecast, LedgerOutcome};
use common::time::Timestamp;
use std::time::{Duration, Instant};

/// How long a forecast may take where no request's deadline is known.
const BUDGET: Duration = Duration::from_secs(4);

/// Nothing is written. Reservations are no effects: whoever wants one makes it.
pub async fn forecast_effects(
    state: &AppState,
    effects: Vec<LedgerEntry>,
) -> Result<LedgerForecast, PostError> {
    let entries: Vec<Entry> = effects.into_iter().map(Entry::Order).collect();
    let named: Vec<_> = entries.iter().flat_map(Entry::locations).collect();
    let places = state.locations.places(&named).await.map_err(PostError::Unavailable)?;
    let unknown_locations =
        named.iter().filter(|location| !places.knows(location)).map(|location| (*location).clone());
    let unknown_locations = unknown_locations.collect();
    let offers = Offers::default();
    let terms = Terms { offers: &offers, places: &places, at: Timestamp::now() };
    let deadline = Instant::now() + context::time_left(BUDGET);
    let foreseen = state.ledger.foresee(&entries, terms, deadline).await?;
    let outcomes = foreseen.into_iter().map(|outcome| match outcome {
        Outcome::Order(outcome) => outcome,
        Outcome::Stock(_) | Outcome::Hold(_) => LedgerOutcome::Failed { code: LedgerFailure::Unavailable },
    });
    Ok(LedgerForecast { outcomes: outcomes.collect(), unknown_locations })
}
