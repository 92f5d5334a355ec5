//! Files of products and stock: streamed in and out, so that their size does not matter.

use crate::startup::AppState;
use crate::workflows::export_rows::{Export, Position, export_page};
use crate::workflows::import_products::{ProductImport, import_products};
use crate::workflows::import_stock::{StockImport, import_stock};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::error::ApiError;
use common::http::file::{Upload, download, step};
use common::http::origin::Origin;
use common::http::query::Query;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::bulk::{FileFormat, ImportReport, NamedBy};
use common::mongo::StoreError;
use common::rows::{Row, RowRules};
use serde::Deserialize;
use utoipa::ToSchema;

/// `POST /products/import`, `POST /stock/import`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImportParameters {
    /// What tells whether a product is there already.
    by: Option<NamedBy>,
    /// Report what would be done, and do nothing.
    dry_run: Option<bool>,
}

/// `GET /products/export`, `GET /stock/export`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExportParameters {
    /// CSV as long as nothing is said.
    format: Option<FileFormat>,
}

pub(super) async fn import_product_file(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    origin: Origin,
    Query(parameters): Query<ImportParameters>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsWrite)?;
    let import = ProductImport {
        by: parameters.by.unwrap_or_default(),
        dry_run: parameters.dry_run.unwrap_or_default(),
        actor: AuditActor::of(&caller, origin.0),
    };
    let file = open(&request, payload, Export::Products)?;
    put_in(file, import.dry_run, |rows| {
        let (state, import) = (state.clone(), import.clone());
        async move { import_products(&state, rows, &import).await }
    })
    .await
}

pub(super) async fn import_stock_file(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    origin: Origin,
    Query(parameters): Query<ImportParameters>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    let import = StockImport {
        by: parameters.by.unwrap_or_default(),
        dry_run: parameters.dry_run.unwrap_or_default(),
        actor: AuditActor::of(&caller, origin.0),
    };
    let file = open(&request, payload, Export::Stock)?;
    put_in(file, import.dry_run, |rows| {
        let (state, import) = (state.clone(), import.clone());
        async move { import_stock(&state, rows, &import).await }
    })
    .await
}

/// A batch of rows after the other: no more of the file is kept than that.
async fn put_in<Put, Done>(mut file: Upload, dry_run: bool, put: Put) -> Result<HttpResponse, ApiError>
where
    Put: Fn(Vec<Row>) -> Done,
    Done: Future<Output = Result<ImportReport, StoreError>> + Send + 'static,
{
    let mut report = ImportReport { dry_run, ..ImportReport::default() };
    while let Some(rows) = file.next().await? {
        report.add(step(put(rows)).await?);
    }
    Ok(HttpResponse::Ok().json(report))
}

fn open(request: &HttpRequest, payload: Payload, export: Export) -> Result<Upload, ApiError> {
    let formats = [FileFormat::Csv, FileFormat::Ndjson];
    Upload::open(request, payload, &formats, RowRules::columns(export.columns()))
}

pub(super) async fn export_product_file(
    state: Data<AppState>,
    caller: Caller,
    Query(parameters): Query<ExportParameters>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsRead)?;
    Ok(exported(state, Export::Products, parameters.format.unwrap_or_default()))
}

pub(super) async fn export_stock_file(
    state: Data<AppState>,
    caller: Caller,
    Query(parameters): Query<ExportParameters>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockRead)?;
    Ok(exported(state, Export::Stock, parameters.format.unwrap_or_default()))
}

fn exported(state: Data<AppState>, export: Export, format: FileFormat) -> HttpResponse {
    download(format, Position::Start, move |position| {
        let state = state.clone();
        async move { export_page(&state, export, format, position).await }
    })
}
