//! API keys: for administrators to make and to end, for our own services to check.

use crate::startup::AppState;
use crate::store::api_keys::StoredApiKey;
use crate::workflows;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::entity_tag;
use common::http::idempotency::OptionalKey;
use common::http::origin::Origin;
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::ApiKeyId;
use common::models::api_key::{NewApiKey, PresentedApiKey};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// `GET /api-keys`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiKeyQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
}

pub async fn create_api_key(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    key: OptionalKey,
    body: Body<NewApiKey>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    if body.0.scopes.is_empty() {
        return Err(ApiError::invalid_field("/scopes", "invalid_length", "must name at least one scope"));
    }
    if body.0.expires_at.is_some_and(|expires_at| expires_at <= Timestamp::now()) {
        return Err(ApiError::invalid_field("/expiresAt", "invalid_value", "must be in the future"));
    }
    let actor = AuditActor::of(&caller, origin.0);
    let created =
        run_to_end(
            async move { workflows::create_api_key::create_api_key(&state, actor, body.0, key.0).await },
        )
        .await??;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api-keys/{}", created.api_key.id)))
        .insert_header(entity_tag(1))
        .json(created))
}

pub async fn list_api_keys(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    query: Query<ApiKeyQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let (limit, after) = (query.0.limit.unwrap_or_default(), query.0.after);
    let mut found = run_to_end(async move { state.api_keys.list(after, limit).await }).await??;
    let has_more = found.len() > usize::from(limit.get());
    found.truncate(limit.get().into());
    let mut response = HttpResponse::Ok();
    if let Some(last) = found.last().filter(|_| has_more) {
        let cursor = Cursor { at: last.created_at, id: last.id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), cursor));
    }
    Ok(response.json(found.into_iter().map(StoredApiKey::into_api_key).collect::<Vec<_>>()))
}

pub async fn read_api_key(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<ApiKeyId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let found = run_to_end(async move { state.api_keys.find(id.0).await }).await??;
    let key = found.ok_or_else(no_such_key)?;
    // A key never changes: it is used, and revoked.
    Ok(HttpResponse::Ok().insert_header(entity_tag(1)).json(key.into_api_key()))
}

pub async fn revoke_api_key(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    id: PathId<ApiKeyId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let subject = AuditSubject::new(SubjectKind::ApiKey, id.0);
    let event = AuditEvent::new(AuditActor::of(&caller, origin.0), "api_key.revoked", subject);
    let revoked = run_to_end(async move { state.api_keys.revoke(id.0, &event).await }).await??;
    if revoked { Ok(HttpResponse::NoContent().finish()) } else { Err(no_such_key()) }
}

/// What our own services ask; 404 for a key that is not good.
pub async fn verify_api_key(
    state: Data<AppState>,
    body: Body<PresentedApiKey>,
) -> Result<HttpResponse, ApiError> {
    let grant = run_to_end(async move { state.api_keys.verify(&body.0).await }).await??;
    grant.map(|grant| HttpResponse::Ok().json(grant)).ok_or_else(no_such_key)
}

fn no_such_key() -> ApiError {
    ApiError::not_found("API key")
}
