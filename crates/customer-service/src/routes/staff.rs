//! Who works here, and with how much power.

use crate::startup::AppState;
use crate::workflows;
use actix_web::HttpResponse;
use actix_web::web::Data;
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::origin::Origin;
use common::http::path::PathId;
use common::ids::CustomerId;
use common::models::audit::AuditActor;
use common::models::auth::RoleChange;

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
