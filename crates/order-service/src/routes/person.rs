//! What orders hold of a customer, for customer-service: to show it to them, and to take it out.

use super::representation;
use crate::domain::moves::Hand;
use crate::domain::shown;
use crate::startup::AppState;
use crate::store::listing::{Filter, Sort};
use actix_web::HttpResponse;
use actix_web::web::Data;
use common::context;
use common::error::ApiError;
use common::http::page::{Cursor, Limit};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::CustomerId;
use common::models::order::{ErasedOrders, HeldOrder, HeldOrders};
use common::time::Timestamp;
use serde::Deserialize;

/// Who takes personal data out, in an order's history.
const ACTOR: &str = "customer-service";

/// Parameters of `GET /internal/customers/{id}/orders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldQuery {
    after: Option<Cursor>,
    limit: Option<Limit>,
}

/// `GET /internal/customers/{id}/orders`, newest first.
pub async fn list_held(
    state: Data<AppState>,
    PathId(id): PathId<CustomerId>,
    Query(query): Query<HeldQuery>,
) -> Result<HttpResponse, ApiError> {
    let limit = query.limit.unwrap_or_default();
    let filter = Filter::of_customer(id);
    let orders =
        context::run_to_end(
            async move { state.orders.list(&filter, Sort::default(), limit, query.after).await },
        )
        .await??;
    let is_full = orders.len() == usize::from(limit.get());
    let next = orders.last().filter(|_| is_full);
    let next = next.map(|last| Cursor { at: last.created_at, id: last.id.uuid() }.to_string());
    let held = |order: &crate::domain::order::Order| HeldOrder {
        order: shown::order(order, Hand::Staff),
        history: order.history.iter().map(|change| representation::history(change, Hand::Staff)).collect(),
    };
    Ok(HttpResponse::Ok().json(HeldOrders { orders: orders.iter().map(held).collect(), next }))
}

/// `POST /internal/customers/{id}/erase`; may be repeated for ever.
pub async fn erase_person(
    state: Data<AppState>,
    PathId(id): PathId<CustomerId>,
) -> Result<HttpResponse, ApiError> {
    let erased =
        context::run_to_end(async move { state.orders.erase_person(id, ACTOR, Timestamp::now()).await });
    Ok(HttpResponse::Ok().json(ErasedOrders { erased: erased.await?? }))
}
