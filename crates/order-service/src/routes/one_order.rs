//! Reading one order and its parts.

use super::representation;
use crate::domain::moves::Hand;
use crate::domain::order::Order;
use crate::domain::shown;
use crate::startup::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context;
use common::error::ApiError;
use common::http::conditional::entity_tag;
use common::http::path::{PathId, path_id};
use common::ids::{FulfillmentId, OrderId, ReturnId};
use common::models::auth::Scope;

/// `GET /orders/{id}`
pub async fn get_order(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<OrderId>,
) -> Result<HttpResponse, ApiError> {
    let hand = representation::hand(&caller);
    let order = find_own(state, caller, id).await?;
    Ok(HttpResponse::Ok().insert_header(entity_tag(order.version)).json(shown::order(&order, hand)))
}

/// `GET /orders/{id}/history`, oldest first.
pub async fn get_history(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<OrderId>,
) -> Result<HttpResponse, ApiError> {
    let hand = representation::hand(&caller);
    let order = find_own(state, caller, id).await?;
    let history: Vec<_> = order.history.iter().map(|change| representation::history(change, hand)).collect();
    Ok(HttpResponse::Ok().insert_header(entity_tag(order.version)).json(history))
}

/// `GET /orders/{id}/why`: what the caller may ask of the order now, and what stands in the way of the rest.
pub async fn get_why(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<OrderId>,
) -> Result<HttpResponse, ApiError> {
    let hand = if caller.holds(Scope::OrdersWrite) { Hand::Staff } else { Hand::Customer };
    let order = find_own(state, caller, id).await?;
    Ok(HttpResponse::Ok().insert_header(entity_tag(order.version)).json(representation::why(&order, hand)))
}

/// `GET /orders/{id}/fulfillments/{fulfillmentId}`
pub async fn get_fulfillment(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<OrderId>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let part: FulfillmentId = path_id(&request, "fulfillmentId")?;
    let order = find_own(state, caller, id).await?;
    let found = order.fulfillments.iter().find(|parcel| parcel.id == part);
    let found = found.ok_or_else(|| ApiError::not_found("fulfillment"))?;
    Ok(HttpResponse::Ok().insert_header(entity_tag(order.version)).json(found))
}

/// `GET /orders/{id}/returns/{returnId}`
pub async fn get_return(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<OrderId>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let part: ReturnId = path_id(&request, "returnId")?;
    let order = find_own(state, caller, id).await?;
    let found = order.returns.iter().find(|found| found.id == part);
    let found = found.ok_or_else(|| ApiError::not_found("return"))?;
    Ok(HttpResponse::Ok().insert_header(entity_tag(order.version)).json(found))
}

async fn find_own(state: Data<AppState>, caller: Caller, id: OrderId) -> Result<Order, ApiError> {
    let order = context::run_to_end(async move { state.orders.find_surely(id).await }).await??;
    order
        .filter(|order| caller.may_act_for(order.customer_id, Scope::OrdersRead))
        .ok_or_else(|| caller.hidden(Scope::OrdersRead, "order"))
}
