//! Who works here, and with how much power.

use super::errors::password_change;
use crate::startup::AppState;
use crate::workflows;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::origin::Origin;
use common::http::path::PathId;
use common::ids::CustomerId;
use common::models::audit::AuditActor;
use common::models::auth::{InvitationAcceptance, Role, RoleChange, StaffInvitation};

pub async fn change_role(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    id: PathId<CustomerId>,
    expected: IfMatch,
    body: Body<RoleChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    let account = run_to_end(async move {
        workflows::change_role::change_role(&state, &caller, actor, id.0, expected.0, body.0.role).await
    })
    .await??;
    let customer = account.into_customer();
    Ok(HttpResponse::Ok().insert_header(entity_tag(customer.version)).json(customer))
}

pub async fn invite_staff(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    key: OptionalKey,
    body: Body<StaffInvitation>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    if body.0.role == Role::Customer {
        return Err(ApiError::invalid_field("/role", "invalid_value", "must be staff or admin"));
    }
    let actor = AuditActor::of(&caller, origin.0);
    let state = state.into_inner();
    let (account, is_repeated) =
        run_to_end(async move { workflows::invite_staff::invite_staff(&state, actor, body.0, key.0).await })
            .await??;
    let mut response = HttpResponse::Created();
    if is_repeated {
        response.insert_header(REPLAYED);
    }
    let customer = account.into_customer();
    Ok(response
        .insert_header((header::LOCATION, format!("/customers/{}", customer.id)))
        .insert_header(entity_tag(customer.version))
        .json(customer))
}

pub async fn accept_invitation(
    state: Data<AppState>,
    origin: Origin,
    body: Body<InvitationAcceptance>,
) -> Result<HttpResponse, ApiError> {
    let InvitationAcceptance { token, password } = body.0;
    run_to_end(async move {
        workflows::change_password::accept_invitation(&state, origin.0, &token, password).await
    })
    .await?
    .map_err(|error| password_change(error, "/password"))?;
    Ok(HttpResponse::NoContent().finish())
}
