//! Whether the place that a parcel or a return names can do its part, asked before the order changes: afterwards the
//! effect would be owed for as long as the place cannot.

use super::change_order::ChangeError;
use super::deliver_effects::entry;
use crate::domain::order::{Effect, Order};
use crate::startup::AppState;
use common::models::ledger::{LedgerFailure, LedgerOutcome};

/// Refuses a change that owes an effect at a place that does not exist, or that cannot be as the ledger stands. Who
/// takes the units in the moment after that leaves the effect due until they are there again.
pub async fn check_location(state: &AppState, from: &Order, to: &Order) -> Result<(), ChangeError> {
    let is_new = |effect: &&Effect| from.effects.iter().all(|earlier| earlier.id != effect.id);
    let Some(new) = to.effects_due().find(is_new) else { return Ok(()) };
    let Some(location_id) = &new.location_id else { return Ok(()) };
    // Also what the order owes already: the ledger takes it first.
    let owed = to.effects_due().filter(|effect| effect.id != new.id).chain([new]);
    let Some(forecast) = state.ledger.forecast(owed.map(|effect| entry(to.id, effect)).collect()).await?
    else {
        return Ok(());
    };
    if forecast.unknown_locations.contains(location_id) {
        return Err(ChangeError::UnknownLocation);
    }
    match forecast.outcomes.last() {
        Some(LedgerOutcome::Failed { code: LedgerFailure::Contradiction }) => {
            Err(ChangeError::LocationRefuses { kind: new.kind, location_id: location_id.clone() })
        }
        _ => Ok(()),
    }
}
