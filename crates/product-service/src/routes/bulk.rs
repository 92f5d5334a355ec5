//! Files of products and stock: streamed in and out, so that their size does not matter.

use crate::domain::rows::{BadHeading, Format, Row, RowReader};
use crate::startup::AppState;
use crate::store::product_rows::NamedBy;
use crate::workflows::export_rows::{Export, Position, export_page};
use crate::workflows::import_products::{ProductImport, import_products};
use crate::workflows::import_stock::{StockImport, import_stock};
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context::{self, Context, run_to_end};
use common::error::{ApiError, Kind};
use common::http::origin::Origin;
use common::http::query::Query;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::bulk::ImportReport;
use common::mongo::StoreError;
use futures_util::StreamExt;
use futures_util::stream;
use serde::Deserialize;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// Rows that are put in together.
const BATCH: usize = 500;

/// Longest that a client may send nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// Longest that one batch of rows, or one page of a file, may take.
const STEP: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum NameColumn {
    #[default]
    Sku,
    ExternalId,
}

impl From<NameColumn> for NamedBy {
    fn from(column: NameColumn) -> Self {
        match column {
            NameColumn::Sku => Self::Sku,
            NameColumn::ExternalId => Self::ExternalId,
        }
    }
}

/// `POST /products/import`, `POST /stock/import`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImportParameters {
    /// What tells whether a product is there already: `sku` or `externalId`.
    by: Option<NameColumn>,
    /// Report what would be done, and do nothing.
    dry_run: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    #[default]
    Csv,
    Ndjson,
}

/// `GET /products/export`, `GET /stock/export`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ExportParameters {
    /// `csv`, as long as nothing is said, or `ndjson`.
    format: Option<FormatName>,
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
        by: parameters.by.unwrap_or_default().into(),
        dry_run: parameters.dry_run.unwrap_or_default(),
        actor: AuditActor::of(&caller, origin.0),
    };
    let mut report = ImportReport { dry_run: import.dry_run, ..ImportReport::default() };
    let mut file = File::open(&request, payload, Export::Products)?;
    while let Some(rows) = file.next().await? {
        let (state, import) = (state.clone(), import.clone());
        report.add(step(async move { import_products(&state, rows, &import).await }).await?);
    }
    Ok(HttpResponse::Ok().json(report))
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
        by: parameters.by.unwrap_or_default().into(),
        dry_run: parameters.dry_run.unwrap_or_default(),
        actor: AuditActor::of(&caller, origin.0),
    };
    let mut report = ImportReport { dry_run: import.dry_run, ..ImportReport::default() };
    let mut file = File::open(&request, payload, Export::Stock)?;
    while let Some(rows) = file.next().await? {
        let (state, import) = (state.clone(), import.clone());
        report.add(step(async move { import_stock(&state, rows, &import).await }).await?);
    }
    Ok(HttpResponse::Ok().json(report))
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

/// Each step has a time of its own: the whole takes as long as the file is.
async fn step<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, ApiError> {
    let context = match context::current() {
        Some(context) => Context { deadline: Instant::now() + STEP, ..context },
        None => Context::background(STEP),
    };
    Ok(context::scope(context, run_to_end(work)).await??)
}

fn exported(state: Data<AppState>, export: Export, format: FormatName) -> HttpResponse {
    let (format, content_type) = match format {
        FormatName::Csv => (Format::Csv, "text/csv; charset=utf-8"),
        FormatName::Ndjson => (Format::Ndjson, "application/x-ndjson"),
    };
    let pages = stream::try_unfold(Some(Position::Start), move |position| {
        let state = state.clone();
        async move {
            let Some(position) = position else { return Ok(None) };
            let page = step(async move { export_page(&state, export, format, position).await }).await;
            let (text, next) = page.inspect_err(|cause| tracing::warn!(%cause, "an export broke off"))?;
            Ok::<_, ApiError>(Some((Bytes::from(text), next)))
        }
    });
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, content_type)).streaming(pages)
}

/// A file on its way in. No more of it is kept than a batch of rows.
struct File {
    payload: Payload,
    reader: Option<RowReader>,
    rows: Vec<Row>,
}

impl File {
    fn open(request: &HttpRequest, payload: Payload, export: Export) -> Result<Self, ApiError> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let media = content_type.split(';').next().unwrap_or("").trim();
        let format = match media {
            "text/csv" => Format::Csv,
            "application/x-ndjson" => Format::Ndjson,
            _ => {
                let rule = "The body must be text/csv or application/x-ndjson, in UTF-8.";
                return Err(ApiError::new(Kind::UnsupportedMediaType, rule));
            }
        };
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(ApiError::new(Kind::UnsupportedMediaType, "The body must not be compressed."));
        }
        Ok(Self { payload, reader: Some(RowReader::new(format, export.columns())), rows: Vec::new() })
    }

    /// The next batch of rows; `None` after the last.
    async fn next(&mut self) -> Result<Option<Vec<Row>>, ApiError> {
        while self.rows.len() < BATCH {
            let Some(reader) = &mut self.reader else { break };
            match tokio::time::timeout(SILENCE, self.payload.next()).await {
                Err(_) => {
                    let silent = ApiError::new(Kind::Malformed, "The body did not arrive in time.");
                    return Err(silent.code("body_timeout"));
                }
                Ok(Some(Ok(piece))) => reader.feed(&piece, &mut self.rows).map_err(bad_heading)?,
                Ok(Some(Err(cause))) => {
                    return Err(ApiError::new(Kind::Malformed, format!("The body cannot be read: {cause}.")));
                }
                Ok(None) => {
                    reader.finish(&mut self.rows).map_err(bad_heading)?;
                    self.reader = None;
                }
            }
        }
        if self.rows.is_empty() {
            return Ok(None);
        }
        let rest = self.rows.split_off(self.rows.len().min(BATCH));
        Ok(Some(std::mem::replace(&mut self.rows, rest)))
    }
}

fn bad_heading(rule: BadHeading) -> ApiError {
    ApiError::invalid_field("", "bad_heading", rule)
}
