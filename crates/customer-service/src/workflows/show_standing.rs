//! What the other services rely on: an account's state, and which of its sessions have ended.

use crate::startup::AppState;
use common::ids::CustomerId;
use common::models::customer::CustomerStanding;
use common::mongo::StoreError;
use common::time::Timestamp;

/// Longer than an access token outlives its session: clocks differ.
const MARGIN_MS: i64 = 60_000;

/// `None` where there is no such customer.
pub async fn show_standing(
    state: &AppState,
    customer: CustomerId,
) -> Result<Option<CustomerStanding>, StoreError> {
    let Some(account) = state.customers.find_surely(customer).await? else { return Ok(None) };
    // What ended earlier has no access token left that could be shown.
    let token_ms = i64::from(state.access_tokens.lifetime_s()) * 1000;
    let since = Timestamp::now().plus_millis(-token_ms - MARGIN_MS);
    let ended = state.sessions.ended_since(customer, since).await?;
    Ok(Some(account.standing(ended)))
}
