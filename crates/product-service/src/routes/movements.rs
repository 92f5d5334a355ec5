//! The ledger of a product as staff read it, and the products that run out.

use crate::startup::AppState;
use crate::workflows::explain_stock as explaining;
use crate::workflows::list_low_stock as watching;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::{OrderId, ProductId};
use common::models::auth::Scope;
use serde::Deserialize;
use utoipa::ToSchema;

/// `GET /products/{id}/inventory/movements`, `GET /stock/low`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PageParameters {
    limit: Option<Limit>,
    after: Option<Cursor>,
}

/// `GET /products/{id}/inventory/explain`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExplainParameters {
    limit: Option<Limit>,
    /// The last order of the page before.
    after: Option<OrderId>,
}

pub(super) async fn list_movements(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    Query(parameters): Query<PageParameters>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockRead)?;
    let limit = parameters.limit.unwrap_or_default();
    let found = run_to_end(async move {
        if state.stock.of_product(id).await?.is_empty() {
            return Ok(None);
        }
        // One more tells whether there is a next page.
        state.movements.list(id, parameters.after, limit.as_i64() + 1).await.map(Some)
    });
    let mut movements = found.await??.ok_or_else(|| ApiError::not_found("product"))?;
    let more = movements.len() > usize::from(limit.get());
    movements.truncate(limit.get().into());
    let mut response = HttpResponse::Ok();
    if let Some(last) = movements.last().filter(|_| more) {
        let end = Cursor { at: last.at, id: last.id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), end));
    }
    Ok(response.json(movements))
}

pub(super) async fn explain_inventory(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    Query(parameters): Query<ExplainParameters>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockRead)?;
    let limit = usize::from(parameters.limit.unwrap_or_default().get());
    let explained =
        run_to_end(async move { explaining::explain_stock(&state, id, parameters.after, limit).await });
    let (explanation, more) = explained.await??.ok_or_else(|| ApiError::not_found("product"))?;
    let mut response = HttpResponse::Ok();
    if let Some(last) = explanation.orders.last().filter(|_| more) {
        response.insert_header(next_link(request.path(), request.query_string(), last.order_id));
    }
    Ok(response.json(explanation))
}

pub(super) async fn list_low_stock(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    Query(parameters): Query<PageParameters>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockRead)?;
    let limit = parameters.limit.unwrap_or_default();
    let found =
        run_to_end(
            async move { watching::list_low_stock(&state, parameters.after, limit.as_i64() + 1).await },
        );
    let mut low = found.await??;
    let more = low.len() > usize::from(limit.get());
    low.truncate(limit.get().into());
    let mut response = HttpResponse::Ok();
    if let Some(last) = low.last().filter(|_| more) {
        let end = Cursor { at: last.since, id: last.product_id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), end));
    }
    Ok(response.json(low))
}
