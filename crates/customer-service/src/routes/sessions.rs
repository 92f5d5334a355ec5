//! Open log-ins: seeing them, ending one, ending all.

use crate::domain::permission::may_change_other;
use crate::domain::session::Session;
use crate::startup::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::origin::Origin;
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::{PathId, path_id};
use common::http::query::Query;
use common::ids::{CustomerId, SessionId};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::auth::{OpenSession, Scope};
use common::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// `GET /customers/{id}/sessions`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
}

pub async fn list_sessions(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    id: PathId<CustomerId>,
    query: Query<SessionQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id.0, Scope::CustomersRead, "customer")?;
    let (limit, after, now) = (query.0.limit.unwrap_or_default(), query.0.after, Timestamp::now());
    let mut found =
        run_to_end(async move { state.sessions.list_open(id.0, now, after, limit).await }).await??;
    let has_more = found.len() > usize::from(limit.get());
    found.truncate(limit.get().into());
    let mut response = HttpResponse::Ok();
    if let Some(last) = found.last().filter(|_| has_more) {
        let cursor = Cursor { at: last.created_at, id: last.id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), cursor));
    }
    Ok(response.json(found.into_iter().map(|session| open_session(session, &caller)).collect::<Vec<_>>()))
}

pub async fn end_session(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    origin: Origin,
    id: PathId<CustomerId>,
) -> Result<HttpResponse, ApiError> {
    let session: SessionId = path_id(&request, "sessionId")?;
    require_power_over(&state, &caller, id.0).await?;
    let subject = AuditSubject::new(SubjectKind::Session, session);
    let event = AuditEvent::new(AuditActor::of(&caller, origin.0), "session.ended", subject)
        .with("customerId", id.0.to_string());
    let ended = run_to_end(async move { state.sessions.end(id.0, session, &event).await }).await??;
    if ended { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found("session")) }
}

pub async fn end_all_sessions(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    id: PathId<CustomerId>,
) -> Result<HttpResponse, ApiError> {
    require_power_over(&state, &caller, id.0).await?;
    let actor = AuditActor::of(&caller, origin.0);
    let event = AuditEvent::new(actor, "customer.logged_out_everywhere", AuditSubject::customer(id.0));
    run_to_end(async move { state.sessions.end_all(id.0, &event).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}

/// Their own sessions, or those of someone whose account they may change.
async fn require_power_over(state: &Data<AppState>, caller: &Caller, id: CustomerId) -> Result<(), ApiError> {
    caller.require_for(id, Scope::CustomersWrite, "customer")?;
    if caller.is(id) {
        return Ok(());
    }
    let state = state.clone();
    let account = run_to_end(async move { state.customers.find(id).await }).await??;
    let account = account.ok_or_else(|| ApiError::not_found("customer"))?;
    if may_change_other(caller.power(), account.role) { Ok(()) } else { Err(ApiError::forbidden()) }
}

fn open_session(session: Session, caller: &Caller) -> OpenSession {
    let is_current = matches!(caller, Caller::Person(person) if person.session_id == session.id);
    OpenSession {
        id: session.id,
        device: session.device,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
        current: is_current,
    }
}
