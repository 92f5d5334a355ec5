//! Lists of orders, a page at a time.

use super::representation;
use crate::domain::shown;
use crate::startup::AppState;
use crate::store::listing::{Filter, Sort, SortTime};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context;
use common::error::ApiError;
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::{CustomerId, ProductId};
use common::models::auth::Scope;
use common::models::order::{FulfillmentStatus, OrderSort, OrderStatus};
use common::text::Text;
use common::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// Parameters of `GET /orders`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
    sort: Option<OrderSort>,
    status: Option<OrderStatus>,
    fulfillment_status: Option<FulfillmentStatus>,
    customer_id: Option<CustomerId>,
    product_id: Option<ProductId>,
    external_id: Option<Text<1, 100>>,
    tag: Option<Text<1, 100>>,
    created_from: Option<Timestamp>,
    created_to: Option<Timestamp>,
    updated_from: Option<Timestamp>,
    updated_to: Option<Timestamp>,
}

impl OrderQuery {
    /// A list is sorted by the time whose range it names, and by the time of creation where it is of one customer or one
    /// tag: no index would serve it otherwise.
    fn sort(&self) -> Result<Sort, ApiError> {
        let by_change = self.updated_from.is_some() || self.updated_to.is_some();
        let unasked = if by_change { OrderSort::LastChangedFirst } else { OrderSort::NewestFirst };
        let (time, oldest_first) = match self.sort.unwrap_or(unasked) {
            OrderSort::NewestFirst => (SortTime::Created, false),
            OrderSort::OldestFirst => (SortTime::Created, true),
            OrderSort::LastChangedFirst => (SortTime::Updated, false),
            OrderSort::LastChangedLast => (SortTime::Updated, true),
        };
        let stray = match time {
            SortTime::Created => [(by_change, "updatedFrom and updatedTo"), (false, ""), (false, "")],
            SortTime::Updated => [
                (self.created_from.is_some() || self.created_to.is_some(), "createdFrom and createdTo"),
                (self.customer_id.is_some(), "customerId"),
                (self.tag.is_some(), "tag"),
            ],
        };
        match stray.into_iter().find(|(is_there, _)| *is_there) {
            None => Ok(Sort { time, oldest_first }),
            Some((_, names)) => {
                let rule = format!("a list with {names} cannot be sorted like this");
                Err(ApiError::invalid_field("query:sort", "conflicting_field", rule))
            }
        }
    }

    fn filter(self, sort: Sort) -> Filter {
        let (from, to) = match sort.time {
            SortTime::Created => (self.created_from, self.created_to),
            SortTime::Updated => (self.updated_from, self.updated_to),
        };
        Filter {
            customer_id: self.customer_id,
            status: self.status,
            fulfillment_status: self.fulfillment_status,
            product_id: self.product_id,
            external_id: self.external_id.map(Text::into_string),
            tag: self.tag.map(Text::into_string),
            from,
            to,
        }
    }
}

/// `GET /orders`, for staff.
pub async fn list_orders(
    state: Data<AppState>,
    caller: Caller,
    request: HttpRequest,
    Query(query): Query<OrderQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::OrdersRead)?;
    let (limit, after, sort) = (query.limit.unwrap_or_default(), query.after, query.sort()?);
    page(state, &caller, &request, query.filter(sort), sort, limit, after).await
}

/// Parameters of `GET /customers/{id}/orders`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerOrderQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
    status: Option<OrderStatus>,
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
        let rule = "must equal the customer in the path";
        return Err(ApiError::invalid_field("query:customerId", "invalid_value", rule));
    }
    let filter = Filter { status: query.status, ..Filter::of_customer(id) };
    let limit = query.limit.unwrap_or_default();
    page(state, &caller, &request, filter, Sort::default(), limit, query.after).await
}

async fn page(
    state: Data<AppState>,
    caller: &Caller,
    request: &HttpRequest,
    filter: Filter,
    sort: Sort,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<HttpResponse, ApiError> {
    let hand = representation::hand(caller);
    let orders =
        context::run_to_end(async move { state.orders.list(&filter, sort, limit, after).await }).await??;
    let mut response = HttpResponse::Ok();
    if orders.len() == usize::from(limit.get())
        && let Some(last) = orders.last()
    {
        let cursor = Cursor { at: sort.time.of(last), id: last.id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), cursor));
    }
    Ok(response.json(orders.iter().map(|order| shown::order(order, hand)).collect::<Vec<_>>()))
}
