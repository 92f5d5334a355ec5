//! The places where stock is kept.

use crate::startup::AppState;
use crate::workflows::keep_locations as keeping;
use crate::workflows::keep_locations::LocationError;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::origin::Origin;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::location::{LocationChange, LocationId, NewLocation};

pub(super) async fn list_locations(state: Data<AppState>, caller: Caller) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockRead)?;
    let locations = run_to_end(async move { state.locations.list().await }).await??;
    Ok(HttpResponse::Ok().json(locations))
}

pub(super) async fn create_location(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    Body(new): Body<NewLocation>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let location = run_to_end(async move { keeping::create_location(&state, new, actor).await }).await??;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/locations/{}", location.id)))
        .insert_header(entity_tag(location.version))
        .json(location))
}

pub(super) async fn show_location(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockRead)?;
    let id = named(&path)?;
    let found = run_to_end(async move { state.locations.find(&id).await }).await??;
    let location = found.ok_or(LocationError::NotFound)?;
    Ok(HttpResponse::Ok().insert_header(entity_tag(location.version)).json(location))
}

pub(super) async fn change_location(
    state: Data<AppState>,
    caller: Caller,
    path: Path<String>,
    IfMatch(expected): IfMatch,
    origin: Origin,
    Body(change): Body<LocationChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    let (id, actor) = (named(&path)?, AuditActor::of(&caller, origin.0));
    let changed =
        run_to_end(async move { keeping::change_location(&state, &id, change, expected, &actor).await });
    let location = changed.await??;
    Ok(HttpResponse::Ok().insert_header(entity_tag(location.version)).json(location))
}

/// What cannot be the name of a location is none.
fn named(path: &str) -> Result<LocationId, ApiError> {
    path.parse().map_err(|_| ApiError::not_found("location"))
}
