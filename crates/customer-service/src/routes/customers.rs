//! Customers.

use crate::domain::registration::Registration;
use crate::startup::AppState;
use crate::store::customer_search::CustomerSearch;
use crate::workflows::register_customer::Registrar;
use crate::workflows::show_standing::show_standing;
use crate::workflows::{self, change_customer};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::{Caller, OptionalCaller};
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::origin::Origin;
use common::http::page::{Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::CustomerId;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::customer::{Customer, CustomerChange, CustomerStatus, NewCustomer};
use common::models::lookup::{CustomersFound, CustomersWanted, MAX_NAMES};
use common::text::{Text, folded};
use common::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// Bytes of a question after many customers: an address has up to 254.
const WANTED_LIMIT: usize = 1024 * 1024;

/// `GET /customers`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerFilter {
    /// How the address begins, without regard to case.
    email: Option<Text<1, 254>>,
    /// How the name begins, without regard to case.
    name: Option<Text<1, 200>>,
    status: Option<CustomerStatus>,
    /// Inclusive.
    created_from: Option<Timestamp>,
    /// Exclusive.
    created_to: Option<Timestamp>,
    limit: Option<Limit>,
    after: Option<String>,
}

pub async fn register_customer(
    state: Data<AppState>,
    caller: OptionalCaller,
    key: OptionalKey,
    origin: Origin,
    body: Body<NewCustomer>,
) -> Result<HttpResponse, ApiError> {
    let registrar = match caller.0.filter(|caller| caller.holds(Scope::CustomersWrite)) {
        Some(staff) => Registrar::Staff(AuditActor::of(&staff, origin.0)),
        None => Registrar::Themselves(origin.0),
    };
    let registration = Registration::parse(body.0, matches!(registrar, Registrar::Staff(_)))?;
    let registered = run_to_end(async move {
        let state = state.into_inner();
        workflows::register_customer::register_customer(&state, registrar, registration, key.0).await
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
    let CustomerFilter { email, name, status, created_from, created_to, limit, after } = filter.0;
    let (email, name) = (email.map(|email| folded(&email)), name.map(|name| folded(&name)));
    let search = CustomerSearch { email, name, status, created_from, created_to };
    let after = after.map(|after| search.position(&after)).transpose();
    let after = after.map_err(|rule| ApiError::invalid_field("query:after", "invalid_value", rule))?;
    let page =
        run_to_end(
            async move { state.customers.list(&search, after.as_ref(), limit.unwrap_or_default()).await },
        )
        .await??;
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header(next_link(request.path(), request.query_string(), next));
    }
    let customers: Vec<Customer> =
        page.accounts.into_iter().map(crate::store::account::Account::into_customer).collect();
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
    origin: Origin,
    body: Body<CustomerChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id.0, Scope::CustomersWrite, "customer")?;
    let actor = AuditActor::of(&caller, origin.0);
    let account = run_to_end(async move {
        let state = state.into_inner();
        change_customer::change_customer(state, &caller, actor, id.0, expected.0, &body.0).await
    })
    .await??;
    Ok(single(account.into_customer()))
}

pub async fn deactivate_customer(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
    expected: IfMatch,
    origin: Origin,
) -> Result<HttpResponse, ApiError> {
    set_status(state, caller, id.0, expected, origin, CustomerStatus::Deactivated).await
}

pub async fn reactivate_customer(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
    expected: IfMatch,
    origin: Origin,
) -> Result<HttpResponse, ApiError> {
    set_status(state, caller, id.0, expected, origin, CustomerStatus::Active).await
}

async fn set_status(
    state: Data<AppState>,
    caller: Caller,
    id: CustomerId,
    expected: IfMatch,
    origin: Origin,
    status: CustomerStatus,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::CustomersWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let account = run_to_end(async move {
        change_customer::set_status(&state, &caller, actor, id, expected.0, status).await
    })
    .await??;
    Ok(single(account.into_customer()))
}

/// What order-service asks before it places an order.
pub async fn read_standing(state: Data<AppState>, id: PathId<CustomerId>) -> Result<HttpResponse, ApiError> {
    let found = run_to_end(async move { show_standing(&state, id.0).await }).await??;
    Ok(HttpResponse::Ok().json(found.ok_or_else(no_such_customer)?))
}

/// What order-service asks about the rows of a file: many customers at once.
pub async fn find_customers(
    state: Data<AppState>,
    Body(wanted): Body<CustomersWanted, WANTED_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    if wanted.ids.len() + wanted.emails.len() > MAX_NAMES {
        let rule = format!("must have at most {MAX_NAMES} entries with emails");
        return Err(ApiError::invalid_field("/ids", "too_many", rule));
    }
    let customers = run_to_end(async move { state.customers.find_named(&wanted).await }).await??;
    Ok(HttpResponse::Ok().json(CustomersFound { customers }))
}

fn no_such_customer() -> ApiError {
    ApiError::not_found("customer")
}

fn single(customer: Customer) -> HttpResponse {
    HttpResponse::Ok().insert_header(entity_tag(customer.version)).json(customer)
}
