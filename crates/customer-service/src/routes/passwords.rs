//! Passwords and the links that come by mail.

use super::errors::password_change;
use crate::startup::AppState;
use crate::workflows::change_password;
use actix_web::HttpResponse;
use actix_web::web::Data;
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::origin::Origin;
use common::http::path::PathId;
use common::ids::CustomerId;
use common::models::audit::AuditActor;
use common::models::auth::{ResetConfirmation, ResetRequest, Scope, Verification};
use common::models::customer::PasswordChange;

/// `POST /customers/{id}/password`, for one's own account alone: staff send a link.
pub async fn change_password(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
    origin: Origin,
    body: Body<PasswordChange>,
) -> Result<HttpResponse, ApiError> {
    let Caller::Person(person) = caller.clone() else { return Err(ApiError::forbidden()) };
    if person.customer_id != id.0 {
        return Err(caller.hidden(Scope::CustomersRead, "customer"));
    }
    let actor = AuditActor::of(&caller, origin.0);
    run_to_end(async move { change_password::change_password(&state, &person, actor, body.0).await })
        .await?
        .map_err(|error| password_change(error, "/newPassword"))?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /auth/password-reset`: the same answer whether or not the address has an account.
pub async fn request_reset(
    state: Data<AppState>,
    origin: Origin,
    body: Body<ResetRequest>,
) -> Result<HttpResponse, ApiError> {
    run_to_end(change_password::request_reset(state.into_inner(), origin.0, body.0.email))
        .await?
        .map_err(|error| password_change(error, "/password"))?;
    Ok(HttpResponse::Accepted().finish())
}

/// `POST /auth/password-reset/confirm`
pub async fn confirm_reset(
    state: Data<AppState>,
    origin: Origin,
    body: Body<ResetConfirmation>,
) -> Result<HttpResponse, ApiError> {
    let ResetConfirmation { token, password } = body.0;
    run_to_end(async move { change_password::confirm_reset(&state, origin.0, &token, password).await })
        .await?
        .map_err(|error| password_change(error, "/password"))?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /auth/verification`: sends the caller another link.
pub async fn request_verification(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
) -> Result<HttpResponse, ApiError> {
    let id = caller.customer_id().ok_or_else(ApiError::forbidden)?;
    run_to_end(async move { change_password::request_verification(&state.into_inner(), id, origin.0).await })
        .await?
        .map_err(|error| password_change(error, "/password"))?;
    Ok(HttpResponse::Accepted().finish())
}

/// `POST /auth/verification/confirm`
pub async fn confirm_verification(
    state: Data<AppState>,
    origin: Origin,
    body: Body<Verification>,
) -> Result<HttpResponse, ApiError> {
    run_to_end(async move { change_password::confirm_verification(&state, origin.0, &body.0.token).await })
        .await?
        .map_err(|error| password_change(error, "/password"))?;
    Ok(HttpResponse::NoContent().finish())
}
