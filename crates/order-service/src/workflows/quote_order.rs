//! What placing an order would answer at this moment: every check of a placing, and nothing written anywhere.

use super::place_order::{PlaceError, check_customer, check_external_id, look_up_addresses};
use crate::domain::draft::OrderDraft;
use crate::startup::AppState;
use common::auth::caller::Caller;
use common::ids::OrderId;
use common::models::quote::{StockQuestion, StockQuote};
use common::time::Timestamp;

pub async fn quote_order(
    state: &AppState,
    caller: &Caller,
    draft: OrderDraft,
) -> Result<StockQuote, PlaceError> {
    check_customer(state, caller, &draft).await?;
    // No order has this identity: the addresses are looked up as for a new one.
    let id = OrderId::new();
    let addresses = look_up_addresses(state, &draft, id).await?.unwrap_or_default();
    let question = StockQuestion { lines: draft.lines().to_vec(), hold_id: draft.hold_id() };
    let pending = draft.into_pending(id, caller.actor().to_string(), Timestamp::now(), &addresses);
    check_external_id(state, &pending).await?;
    Ok(state.ledger.quote(&question).await?)
}
