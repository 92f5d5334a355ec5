//! The audit trail of all services, as one list.

use crate::startup::AppState;
use crate::workflows::read_audit_trail::read_audit_trail;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::audit::{AuditFilter, AuditPage};
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::page::{Cursor, Limit, next_link};
use common::http::query::Query;
use common::models::auth::Scope;
use common::text::Text;
use serde::Deserialize;
use utoipa::ToSchema;

/// `GET /audit-events`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditQuery {
    subject: Option<Text<1, 100>>,
    actor: Option<Text<1, 100>>,
    action: Option<Text<1, 100>>,
    limit: Option<Limit>,
    after: Option<Cursor>,
}

pub async fn list_audit_events(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    query: Query<AuditQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::AuditRead)?;
    let AuditQuery { subject, actor, action, limit, after } = query.0;
    let filter = AuditFilter {
        subject: subject.map(Text::into_string),
        actor: actor.map(Text::into_string),
        action: action.map(Text::into_string),
    };
    let limit = limit.unwrap_or_default();
    let page = AuditPage { filter, after, limit };
    let events = run_to_end(async move { read_audit_trail(&state, &page).await }).await??;
    let mut response = HttpResponse::Ok();
    if let Some(last) = events.last().filter(|_| events.len() == usize::from(limit.get())) {
        let cursor = Cursor { at: last.at, id: last.id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), cursor));
    }
    Ok(response.json(events))
}
