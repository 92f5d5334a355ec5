//! What is held about customers: showing it, and erasing it.

use crate::startup::AppState;
use crate::workflows::export_customers::{self, Position};
use crate::workflows::{erase_customer, export_customer};
use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentType};
use actix_web::web::Data;
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::OptionalBody;
use common::http::file::download;
use common::http::origin::Origin;
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::CustomerId;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::bulk::FileFormat;
use common::models::customer::Erasure;
use futures_util::stream;
use serde::Deserialize;
use utoipa::ToSchema;

/// `GET /customers/{id}/export`
pub async fn export_customer(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
    origin: Origin,
) -> Result<HttpResponse, ApiError> {
    caller.require_for(id.0, Scope::CustomersRead, "customer")?;
    let actor = AuditActor::of(&caller, origin.0);
    let pieces = run_to_end(export_customer::export_customer(state.into_inner(), actor, id.0)).await??;
    let body = stream::unfold(pieces, async |mut pieces| {
        let piece = pieces.recv().await?;
        Some((piece.map_err(ApiError::internal), pieces))
    });
    Ok(HttpResponse::Ok()
        .insert_header(ContentType::json())
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"customer-{}.json\"", id.0),
        ))
        .streaming(Box::pin(body)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportParameters {
    /// CSV as long as nothing is said.
    format: Option<FileFormat>,
}

/// `GET /customers/export`, for staff: every account, as a file.
pub async fn export_customers(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    Query(ExportParameters { format }): Query<ExportParameters>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::CustomersRead)?;
    let format = format.unwrap_or_default();
    let (actor, told) = (AuditActor::of(&caller, origin.0), state.clone());
    run_to_end(async move { export_customers::begin(&told, actor, format).await }).await??;
    Ok(download(format, Position::Start, move |position| {
        let state = state.clone();
        async move { export_customers::export_page(&state, format, position).await }
    }))
}

/// `POST /customers/{id}/erase`: one's own with the password, or by an administrator.
pub async fn erase_customer(
    state: Data<AppState>,
    caller: Caller,
    id: PathId<CustomerId>,
    origin: Origin,
    body: OptionalBody<Erasure>,
) -> Result<HttpResponse, ApiError> {
    if !caller.is(id.0) {
        caller.require_for(id.0, Scope::CustomersRead, "customer")?;
        caller.require_admin()?;
    }
    let actor = AuditActor::of(&caller, origin.0);
    run_to_end(async move { erase_customer::erase_customer(&state, &caller, actor, id.0, body.0).await })
        .await??;
    Ok(HttpResponse::NoContent().finish())
}
