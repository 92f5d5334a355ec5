//! Addresses of a customer.

use crate::startup::AppState;
use crate::workflows::keep_addresses::{self, Keeper, Kept};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use common::api::described::Described;
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::origin::Origin;
use common::http::path::{PathId, path_id};
use common::ids::{AddressId, CustomerId};
use common::models::address::{Address, AddressChange, NewAddress};
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use std::future::{Ready, ready};

/// `/customers/{id}/addresses/{addressId}`
pub struct AddressPath {
    customer: CustomerId,
    address: AddressId,
}

impl FromRequest for AddressPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let customer = path_id(request, "id");
        let address = path_id(request, "addressId");
        ready(customer.and_then(|customer| Ok(Self { customer, address: address? })))
    }
}

impl Described for AddressPath {}

/// `GET /customers/{id}/addresses`, newest first; the entity tag is the customer's.
pub async fn list_addresses(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id.0, Scope::CustomersRead, "customer")?;
    let found = run_to_end(async move { state.customers.find(id.0).await }).await??;
    let account = found.ok_or_else(|| ApiError::not_found("customer"))?;
    let addresses: Vec<Address> =
        account.address_book().entries().iter().rev().map(|entry| entry.to_address()).collect();
    Ok(HttpResponse::Ok().insert_header(entity_tag(account.version)).json(addresses))
}

/// `POST /customers/{id}/addresses`
pub async fn add_address(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
    expected: IfMatch,
    key: OptionalKey,
    origin: Origin,
    body: Body<NewAddress>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id.0, Scope::CustomersWrite, "customer")?;
    let actor = AuditActor::of(&caller, origin.0);
    let kept = run_to_end(async move {
        let keeper = Keeper { caller: &caller, actor, customer: id.0, expected: expected.0 };
        keep_addresses::add_address(&state, keeper, key.0, body.0).await
    })
    .await??;
    let mut response = HttpResponse::Created();
    if kept.is_replay {
        response.insert_header(REPLAYED);
    }
    let location = format!("/customers/{}/addresses/{}", id.0, kept.entry.id);
    Ok(response
        .insert_header((header::LOCATION, location))
        .insert_header(entity_tag(kept.version))
        .json(kept.entry.to_address()))
}

/// `PATCH /customers/{id}/addresses/{addressId}`
pub async fn change_address(
    state: Data<AppState>,
    caller: Caller,
    path: AddressPath,
    expected: IfMatch,
    origin: Origin,
    body: Body<AddressChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(path.customer, Scope::CustomersWrite, "customer")?;
    let actor = AuditActor::of(&caller, origin.0);
    let kept = run_to_end(async move {
        let keeper = Keeper { caller: &caller, actor, customer: path.customer, expected: expected.0 };
        keep_addresses::change_address(&state, keeper, path.address, body.0).await
    })
    .await??;
    Ok(single(&kept))
}

/// `DELETE /customers/{id}/addresses/{addressId}`
pub async fn remove_address(
    state: Data<AppState>,
    caller: Caller,
    path: AddressPath,
    expected: IfMatch,
    origin: Origin,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(path.customer, Scope::CustomersWrite, "customer")?;
    let actor = AuditActor::of(&caller, origin.0);
    let version = run_to_end(async move {
        let keeper = Keeper { caller: &caller, actor, customer: path.customer, expected: expected.0 };
        keep_addresses::remove_address(&state, keeper, path.address).await
    })
    .await??;
    Ok(HttpResponse::NoContent().insert_header(entity_tag(version)).finish())
}

/// `GET /internal/customers/{id}/addresses/{addressId}`: what order-service copies into an order.
pub async fn read_address(state: Data<AppState>, path: AddressPath) -> Result<HttpResponse, ApiError> {
    let found = run_to_end(async move { state.customers.find(path.customer).await }).await??;
    let account = found.ok_or_else(|| ApiError::not_found("customer"))?;
    let book = account.address_book();
    let entry = book.find(path.address).ok_or_else(|| ApiError::not_found("address"))?;
    Ok(HttpResponse::Ok().json(&entry.postal))
}

fn single(kept: &Kept) -> HttpResponse {
    HttpResponse::Ok().insert_header(entity_tag(kept.version)).json(kept.entry.to_address())
}
