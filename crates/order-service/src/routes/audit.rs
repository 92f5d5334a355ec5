//! This service's part of the audit trail, for customer-service to merge.

use crate::startup::AppState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use common::audit::AuditPage;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;

/// `POST /internal/audit-events`: a page, newest first. A POST, because its filters are free text.
pub(super) async fn list_events(
    state: Data<AppState>,
    Body(page): Body<AuditPage>,
) -> Result<HttpResponse, ApiError> {
    let AuditPage { filter, after, limit } = page;
    let events = run_to_end(async move { state.audit.list(&filter, after, limit).await }).await??;
    Ok(HttpResponse::Ok().json(events))
}
