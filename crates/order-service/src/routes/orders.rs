//! Orders: place and list them.

use super::{errors, representation};
use crate::domain::draft::OrderDraft;
use crate::domain::moves::Hand;
use crate::metrics;
use crate::startup::AppState;
use crate::store::orders::Filter;
use crate::workflows::place_order as placing;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use common::auth::caller::Caller;
use common::context::{self, Interrupted};
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::entity_tag;
use common::http::idempotency::{OptionalKey, REPLAYED, replay};
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::CustomerId;
use common::models::auth::Scope;
use common::models::order::{NewOrder, OrderStatus};
use serde::Deserialize;

/// Bytes of an order's body: 2,000 lines of about 100 bytes.
const ORDER_LIMIT: usize = 256 * 1024;

/// `POST /orders`
pub async fn place_order(
    state: Data<AppState>,
    caller: Caller,
    OptionalKey(key): OptionalKey,
    Body(body): Body<NewOrder, ORDER_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    let draft = OrderDraft::parse(body).map_err(|error| errors::invalid_draft(&error))?;
    if !caller.may_act_for(draft.customer_id(), Scope::OrdersWrite) {
        return Err(caller.forbidden(Scope::OrdersWrite));
    }
    let id = placing::identify(&draft, key.as_ref());
    let hand = representation::hand(&caller);
    let placed = context::run_to_end(async move {
        metrics::placed(placing::place_order(&state, &caller, draft, id).await)
    })
    .await;
    let placed = placed.map_err(|interrupted| match interrupted {
        Interrupted::TimedOut => errors::unsettled(id).caused_by(interrupted),
        Interrupted::Failed(_) => interrupted.into(),
    })??;
    if placed.order.status == OrderStatus::Rejected {
        let refusal = errors::rejected(&placed.order).error_response();
        return Ok(if placed.replayed { replay(refusal) } else { refusal });
    }
    let mut response = HttpResponse::Created();
    response
        .insert_header((header::LOCATION, format!("/orders/{}", placed.order.id)))
        .insert_header(entity_tag(placed.order.version));
    if placed.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(representation::order(&placed.order, hand)))
}

/// Parameters of `GET /orders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
    status: Option<OrderStatus>,
    customer_id: Option<CustomerId>,
}

/// `GET /orders`, for staff.
pub async fn list_orders(
    state: Data<AppState>,
    caller: Caller,
    request: HttpRequest,
    Query(query): Query<OrderQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::OrdersRead)?;
    let filter = Filter { customer_id: query.customer_id, status: query.status };
    list(state, &request, filter, Hand::Staff, query.limit.unwrap_or_default(), query.after).await
}

/// Parameters of `GET /customers/{id}/orders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerOrderQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
    /// Accepted for clients that send it beside the path; it must name the same customer.
    customer_id: Option<CustomerId>,
}

/// `GET /customers/{id}/orders`
pub async fn list_customer_orders(
    state: Data<AppState>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<CustomerId>,
    Query(query): Query<CustomerOrderQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id, Scope::OrdersRead, "customer")?;
    if query.customer_id.is_some_and(|named| named != id) {
        return Err(ApiError::invalid_field(
            "query:customerId",
            "invalid_value",
            "must equal the customer in the path",
        ));
    }
    let filter = Filter { customer_id: Some(id), status: None };
    let hand = representation::hand(&caller);
    list(state, &request, filter, hand, query.limit.unwrap_or_default(), query.after).await
}

async fn list(
    state: Data<AppState>,
    request: &HttpRequest,
    filter: Filter,
    hand: Hand,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<HttpResponse, ApiError> {
    let orders = context::run_to_end(async move { state.orders.list(filter, limit, after).await }).await??;
    let mut response = HttpResponse::Ok();
    if orders.len() == usize::from(limit.get())
        && let Some(last) = orders.last()
    {
        let cursor = Cursor { at: last.created_at, id: last.id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), cursor));
    }
    Ok(response.json(orders.iter().map(|order| representation::order(order, hand)).collect::<Vec<_>>()))
}
