//! Customers.

use crate::domain::registration::Registration;
use crate::startup::AppState;
use crate::workflows;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::{Caller, OptionalCaller};
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::CustomerId;
use common::models::auth::Scope;
use common::models::customer::{Customer, CustomerChange, NewCustomer};
use common::text::Email;
use serde::Deserialize;

/// `GET /customers`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerFilter {
    /// Exactly this address, without regard to case.
    email: Option<Email>,
    limit: Option<Limit>,
    after: Option<Cursor>,
}

pub async fn register_customer(
    state: Data<AppState>,
    caller: OptionalCaller,
    key: OptionalKey,
    body: Body<NewCustomer>,
) -> Result<HttpResponse, ApiError> {
    let by_staff = caller.0.is_some_and(|caller| caller.holds(Scope::CustomersWrite));
    let registration = Registration::parse(body.0, by_staff)?;
    let registered = run_to_end(async move {
        workflows::register_customer::register_customer(&state, registration, key.0).await
    })
    .await??;
    let mut response = HttpResponse::Created();
    if registered.is_replay {
        response.insert_header(REPLAYED);
    }
    let customer = registered.account.into_customer();
    Ok(response
        .insert_header((header::LOCATION, format!("/customers/{}", customer.id)))
        .insert_header(entity_tag(customer.version))
        .json(customer))
}

pub async fn list_customers(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    filter: Query<CustomerFilter>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::CustomersRead)?;
    let CustomerFilter { email, limit, after } = filter.0;
    let page =
        run_to_end(
            async move { state.customers.list(email.as_ref(), after, limit.unwrap_or_default()).await },
        )
        .await??;
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header(next_link(request.path(), request.query_string(), next));
    }
    let customers: Vec<Customer> =
        page.accounts.into_iter().map(crate::store::customers::Account::into_customer).collect();
    Ok(response.json(customers))
}

pub async fn read_customer(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id.0, Scope::CustomersRead, "customer")?;
    let found = run_to_end(async move { state.customers.find(id.0).await }).await??;
    found.map(|account| single(account.into_customer())).ok_or_else(no_such_customer)
}

pub async fn change_customer(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
    expected: IfMatch,
    body: Body<CustomerChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id.0, Scope::CustomersWrite, "customer")?;
    let account = run_to_end(async move {
        workflows::change_customer::change_customer(&state, &caller, id.0, expected.0, &body.0).await
    })
    .await??;
    Ok(single(account.into_customer()))
}

/// What order-service asks before it places an order.
pub async fn read_standing(state: Data<AppState>, id: PathId<CustomerId>) -> Result<HttpResponse, ApiError> {
    let found = run_to_end(async move { state.customers.find(id.0).await }).await??;
    let account = found.ok_or_else(no_such_customer)?;
    Ok(HttpResponse::Ok().json(account.standing()))
}

fn no_such_customer() -> ApiError {
    ApiError::not_found("customer")
}

fn single(customer: Customer) -> HttpResponse {
    HttpResponse::Ok().insert_header(entity_tag(customer.version)).json(customer)
}
