//! Holds: kept, extended and given back through the one writer; the sweeper frees those whose time is over.

use crate::domain::entry::{Entry, HoldChanged, HoldEntry, HoldRefused, HoldWish, Outcome};
use crate::domain::hold::Hold;
use crate::startup::AppState;
use common::auth::caller::Caller;
use common::http::idempotency::IdempotencyKey;
use common::ids::HoldId;
use common::models::auth::Scope;
use common::models::reservation::{NewHold, TimeToLive};
use common::mongo::StoreError;
use common::time::Timestamp;
use futures_util::future::join_all;

/// Holds that a customer may have at once: each keeps units from everybody else.
const MOST_OF_A_CUSTOMER: u64 = 5;

/// Holds that one turn of the sweeper frees.
const SWEPT: i64 = 500;

#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error(transparent)]
    Refused(#[from] HoldRefused),
    #[error("{MOST_OF_A_CUSTOMER} holds are standing")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps units for whoever calls.
pub async fn hold_stock(
    state: &AppState,
    caller: &Caller,
    new: NewHold,
    key: Option<IdempotencyKey>,
) -> Result<HoldChanged, HoldError> {
    let actor = caller.actor();
    let id = match key {
        Some(key) => HoldId::derived(&[b"hold_stock", actor.as_bytes(), key.as_bytes()]),
        None => HoldId::new(),
    };
    let owner = actor.to_string();
    if !caller.holds(Scope::OrdersWrite)
        && state.holds.count_standing(&owner, MOST_OF_A_CUSTOMER).await? >= MOST_OF_A_CUSTOMER
        && state.holds.find(id).await?.is_none()
    {
        return Err(HoldError::TooMany);
    }
    let wish = HoldWish::Keep { owner, lines: new.lines, ttl_ms: new.ttl_seconds.as_millis() };
    post(state, HoldEntry { id, wish }).await
}

/// The hold, if this caller may see it.
pub async fn find_hold(
    state: &AppState,
    caller: &Caller,
    id: HoldId,
    scope: Scope,
) -> Result<Hold, HoldError> {
    let hold = state.holds.find(id).await?;
    let is_theirs = |hold: &Hold| hold.owner == caller.actor().to_string() || caller.holds(scope);
    Ok(hold.filter(is_theirs).ok_or(HoldRefused::Unknown)?)
}

pub async fn extend_hold(
    state: &AppState,
    caller: &Caller,
    id: HoldId,
    ttl: TimeToLive,
) -> Result<Hold, HoldError> {
    find_hold(state, caller, id, Scope::OrdersWrite).await?;
    let wish = HoldWish::Extend { ttl_ms: ttl.as_millis() };
    Ok(post(state, HoldEntry { id, wish }).await?.hold)
}

/// Gives the units back. What has ended already stays as it ended.
pub async fn release_hold(state: &AppState, caller: &Caller, id: HoldId) -> Result<Hold, HoldError> {
    find_hold(state, caller, id, Scope::OrdersWrite).await?;
    Ok(post(state, HoldEntry { id, wish: HoldWish::Release }).await?.hold)
}

/// Frees holds whose time is over, so that what is shown of them agrees with what is so: whoever asks for their units
/// frees them without this.
pub async fn sweep_holds(state: &AppState) {
    let ended = match state.holds.ended(Timestamp::now(), SWEPT).await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::warn!(%error, "holds cannot be listed");
            return;
        }
    };
    let entries = ended.into_iter().map(|id| Entry::Hold(HoldEntry { id, wish: HoldWish::Expire }));
    // What fails is left for the next turn; the writer has logged it.
    join_all(entries.map(|entry| state.stock_writer.post(entry))).await;
}

async fn post(state: &AppState, entry: HoldEntry) -> Result<HoldChanged, HoldError> {
    match state.stock_writer.post(Entry::Hold(entry)).await {
        Outcome::Hold(outcome) => Ok(outcome?),
        Outcome::Order(_) | Outcome::Stock(_) => {
            Err(StoreError::Corrupt("the stock writer answered another entry".to_owned()).into())
        }
    }
}
