//! Holds for checkouts: a customer's own, and everyone's for those who write orders.

use crate::startup::AppState;
use crate::workflows::hold_stock as holding;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::entity_tag;
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::path::PathId;
use common::ids::HoldId;
use common::models::auth::Scope;
use common::models::reservation::{Hold, HoldExtension, MAX_HOLD_LINES, NewHold};
use common::time::Timestamp;
use std::collections::HashSet;

pub(super) async fn create_hold(
    state: Data<AppState>,
    caller: Caller,
    OptionalKey(key): OptionalKey,
    Body(new): Body<NewHold>,
) -> Result<HttpResponse, ApiError> {
    check_machine(&caller, Scope::OrdersWrite)?;
    check_lines(&new)?;
    let held = run_to_end(async move { holding::hold_stock(&state, &caller, new, key).await }).await??;
    let hold = held.hold.shown(Timestamp::now());
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/reservations/{}", hold.id)));
    if held.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.insert_header(entity_tag(hold.version)).json(hold))
}

pub(super) async fn show_hold(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<HoldId>,
) -> Result<HttpResponse, ApiError> {
    check_machine(&caller, Scope::OrdersRead)?;
    let hold =
        run_to_end(async move { holding::find_hold(&state, &caller, id, Scope::OrdersRead).await }).await??;
    Ok(shown(&hold.shown(Timestamp::now())))
}

pub(super) async fn extend_hold(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<HoldId>,
    Body(HoldExtension { ttl_seconds }): Body<HoldExtension>,
) -> Result<HttpResponse, ApiError> {
    check_machine(&caller, Scope::OrdersWrite)?;
    let hold =
        run_to_end(async move { holding::extend_hold(&state, &caller, id, ttl_seconds).await }).await??;
    Ok(shown(&hold.shown(Timestamp::now())))
}

pub(super) async fn release_hold(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<HoldId>,
) -> Result<HttpResponse, ApiError> {
    check_machine(&caller, Scope::OrdersWrite)?;
    let hold = run_to_end(async move { holding::release_hold(&state, &caller, id).await }).await??;
    Ok(shown(&hold.shown(Timestamp::now())))
}

fn shown(hold: &Hold) -> HttpResponse {
    HttpResponse::Ok().insert_header(entity_tag(hold.version)).json(hold)
}

/// A person needs no scope for what is their own; a machine has nothing of its own.
fn check_machine(caller: &Caller, scope: Scope) -> Result<(), ApiError> {
    match caller {
        Caller::Person(_) => Ok(()),
        Caller::Machine(_) => caller.require_scope(scope),
    }
}

fn check_lines(new: &NewHold) -> Result<(), ApiError> {
    let broken = |code, rule: String| Err(ApiError::invalid_field("/lines", code, rule));
    if new.lines.is_empty() || new.lines.len() > MAX_HOLD_LINES {
        return broken("invalid_value", format!("must have 1 to {MAX_HOLD_LINES} lines"));
    }
    let products: HashSet<_> = new.lines.iter().map(|line| line.product_id).collect();
    if products.len() < new.lines.len() {
        return broken("invalid_value", "must name each product once".to_owned());
    }
    Ok(())
}
