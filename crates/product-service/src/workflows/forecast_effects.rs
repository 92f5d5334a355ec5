//! What effects of orders would come to, for order-service to ask before it changes an order.

use super::foresee::foresee;
use crate::domain::entry::{Entry, Outcome};
use crate::domain::ledger::Offers;
use crate::startup::AppState;
use crate::store::ledger::PostError;
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerForecast, LedgerOutcome};

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
    let foreseen = foresee(state, &entries, &Offers::default(), &places).await?;
    let outcomes = foreseen.into_iter().map(|outcome| match outcome {
        Outcome::Order(outcome) => outcome,
        Outcome::Stock(_) | Outcome::Hold(_) => LedgerOutcome::Failed { code: LedgerFailure::Unavailable },
    });
    Ok(LedgerForecast { outcomes: outcomes.collect(), unknown_locations })
}
