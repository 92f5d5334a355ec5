//! Files of orders: streamed, so that their size does not matter.

use crate::domain::moves::Hand;
use crate::domain::shown;
use crate::startup::AppState;
use crate::store::listing::{Filter, Sort, SortTime};
use crate::workflows::import_orders::{OrderImport, import_orders};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context;
use common::error::ApiError;
use common::http::file::{Upload, download, step};
use common::http::page::Cursor;
use common::http::query::Query;
use common::ids::{CustomerId, OrderId};
use common::models::auth::Scope;
use common::models::bulk::{FileFormat, ImportReport};
use common::models::order::{FulfillmentStatus, Order, OrderLine, OrderStatus};
use common::models::order_change::Tag;
use common::models::order_import::StockUse;
use common::models::order_label::ExternalId;
use common::money::{Amount, Currency};
use common::mongo::StoreError;
use common::rows::{self, RowRules};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::Arc;
use utoipa::ToSchema;

/// Columns of a CSV file of orders, which has a row for each line.
const COLUMNS: &[&str] = &[
    "orderId",
    "externalId",
    "customerId",
    "status",
    "fulfillmentStatus",
    "createdAt",
    "updatedAt",
    "currency",
    "orderTotal",
    "tags",
    "productId",
    "sku",
    "name",
    "unitPrice",
    "quantity",
    "cancelled",
    "shipped",
    "delivered",
    "returned",
    "restocked",
    "lineTotal",
];

/// Bytes of one row of an import: 2,000 lines of about 250 bytes.
const MAX_ROW: usize = 512 * 1024;

/// Batches of history that are put in at a time: while one waits for the database, the next is read.
const BATCHES: usize = 3;

/// Orders of one page.
const PAGE: i64 = 200;

/// Oldest first: what is placed meanwhile is still to come.
const SORT: Sort = Sort { time: SortTime::Created, oldest_first: true };

/// Parameters of `POST /orders/import`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportParameters {
    stock: Option<StockUse>,
    /// Report what would be done, and do nothing.
    dry_run: Option<bool>,
}

/// `POST /orders/import`, for staff: orders of another system, one JSON object a line.
pub async fn import_order_file(
    state: Data<AppState>,
    request: HttpRequest,
    caller: Caller,
    Query(parameters): Query<ImportParameters>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::OrdersWrite)?;
    let import = Arc::new(OrderImport {
        stock: parameters.stock.unwrap_or_default(),
        dry_run: parameters.dry_run.unwrap_or_default(),
        actor: caller.actor().to_string(),
        directory: state.directory.afresh(),
    });
    let mut report = ImportReport { dry_run: import.dry_run, ..ImportReport::default() };
    let rules = RowRules { columns: &[], max_bytes: MAX_ROW };
    let mut file = Upload::open(&request, payload, &[FileFormat::Ndjson], rules)?;
    // Where rows want stock, who stands first in the file gets it.
    let most = if import.stock == StockUse::None { BATCHES } else { 1 };
    let mut under_way = VecDeque::with_capacity(most);
    loop {
        let rows = file.next().await?;
        let is_last = rows.is_none();
        if let Some(rows) = rows {
            let (state, import) = (state.clone(), import.clone());
            let batch = async move { import_orders(&state, rows, &import).await };
            under_way.push_back(context::spawn(step(batch)));
        }
        while under_way.len() >= most || is_last {
            let Some(batch) = under_way.pop_front() else { break };
            report.add(batch.await.map_err(ApiError::internal)??);
        }
        if is_last {
            return Ok(HttpResponse::Ok().json(report));
        }
    }
}

/// Parameters of `GET /orders/export`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportParameters {
    /// CSV as long as nothing is said.
    format: Option<FileFormat>,
    status: Option<OrderStatus>,
    customer_id: Option<CustomerId>,
    /// Inclusive.
    created_from: Option<Timestamp>,
    /// Exclusive.
    created_to: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Position {
    Start,
    After(Cursor),
}

/// `GET /orders/export`, for staff.
pub async fn export_orders(
    state: Data<AppState>,
    caller: Caller,
    Query(parameters): Query<ExportParameters>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::OrdersRead)?;
    let format = parameters.format.unwrap_or_default();
    let filter = Filter {
        status: parameters.status,
        customer_id: parameters.customer_id,
        from: parameters.created_from,
        to: parameters.created_to,
        ..Filter::default()
    };
    Ok(download(format, Position::Start, move |position| {
        let (state, filter) = (state.clone(), filter.clone());
        async move { export_page(&state, &filter, format, position).await }
    }))
}

async fn export_page(
    state: &AppState,
    filter: &Filter,
    format: FileFormat,
    position: Position,
) -> Result<(String, Option<Position>), StoreError> {
    let (mut text, after) = match position {
        Position::Start if format == FileFormat::Csv => (rows::heading(COLUMNS), None),
        Position::Start => (String::new(), None),
        Position::After(cursor) => (String::new(), Some(cursor)),
    };
    let orders = state.orders.page(filter, SORT, PAGE, after).await?;
    let next = orders.last().map(|last| Cursor { at: last.created_at, id: last.id.uuid() });
    for order in &orders {
        let shown = shown::order(order, Hand::Staff);
        match format {
            FileFormat::Ndjson => {
                text.push_str(&serde_json::to_string(&shown).map_err(|cause| corrupt(&shown, &cause))?);
                text.push('\n');
            }
            FileFormat::Csv => {
                for line in &shown.lines {
                    let row = row(&shown, line).map_err(|cause| corrupt(&shown, &cause))?;
                    text.push_str(&rows::line(format, COLUMNS, &row));
                }
            }
        }
    }
    Ok((text, next.map(Position::After)))
}

fn corrupt(order: &Order, cause: &serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("order {}: {cause}", order.id))
}

/// One line of an order beside what is the whole order's.
fn row(order: &Order, line: &OrderLine) -> Result<Map<String, Value>, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Row<'a> {
        order_id: OrderId,
        external_id: &'a Option<ExternalId>,
        customer_id: CustomerId,
        status: OrderStatus,
        fulfillment_status: FulfillmentStatus,
        created_at: Timestamp,
        updated_at: Timestamp,
        currency: Option<Currency>,
        order_total: Option<Amount>,
        tags: &'a [Tag],
        line_total: Option<Amount>,
        #[serde(flatten)]
        line: &'a OrderLine,
    }
    let row = Row {
        order_id: order.id,
        external_id: &order.external_id,
        customer_id: order.customer_id,
        status: order.status,
        fulfillment_status: order.fulfillment_status,
        created_at: order.created_at,
        updated_at: order.updated_at,
        currency: order.currency,
        order_total: order.total,
        tags: &order.tags,
        line_total: line.total,
        line,
    };
    match serde_json::to_value(row)? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}
