//! Rows of a file into orders: history as it stands, or with what is open of it reserved. Every row may be repeated,
//! after any crash: the order's identity is derived from its external id, and a row that is in stays as it is.

use super::reserve_imported::{decide, refused};
use crate::clients::directory::Directory;
use crate::domain::historic::{self, Historic, Named};
use crate::domain::moves::MoveError;
use crate::domain::order::Order;
use crate::startup::AppState;
use crate::store::orders::Recorded;
use common::http::body::typed;
use common::http::peer::PeerError;
use common::ids::OrderId;
use common::models::bulk::{ImportReport, RowError};
use common::models::order::OrderStatus;
use common::models::order_import::{ImportedOrder, StockUse};
use common::mongo::StoreError;
use common::rows::Row;
use common::time::Timestamp;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// How often an order may get no stock: each time leaves an order that was rejected.
const ATTEMPTS: u32 = 16;

/// What is the same for every row of a file.
pub struct OrderImport {
    pub stock: StockUse,
    pub dry_run: bool,
    /// Who imports, in the orders' histories.
    pub actor: String,
    pub directory: Directory,
}

/// Why a batch of rows could not be dealt with. What is in stays, and the same rows can be sent again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("orders were not written for certain")]
    Unsettled,
    #[error(transparent)]
    Move(#[from] MoveError),
}

/// A row on its way in.
pub(super) struct Candidate {
    pub line: u64,
    historic: Historic,
    attempt: u32,
    pub order: Order,
}

/// Puts rows in, in the order of the file.
pub async fn import_orders(
    state: &AppState,
    rows: Vec<Row>,
    import: &OrderImport,
) -> Result<ImportReport, ImportError> {
    let mut report = ImportReport { rows: u64::try_from(rows.len()).unwrap_or(0), ..ImportReport::default() };
    let now = Timestamp::now();
    let mut parsed = Vec::with_capacity(rows.len());
    for row in rows {
        let line = row.line;
        match parse(row, now) {
            Ok(row) => parsed.push((line, row)),
            Err(error) => report.fail(error),
        }
    }
    let mut candidates = Vec::with_capacity(parsed.len());
    for (line, row) in look_up(import, parsed, &mut report).await? {
        match row {
            Ok(historic) => candidates.push(candidate(line, historic, 0, import, now)),
            Err((field, detail)) => report.fail(RowError { line, field, detail }),
        }
    }
    if import.dry_run {
        compare(state, candidates, &mut report).await?;
    } else {
        while !candidates.is_empty() {
            candidates = write(state, candidates, import, &mut report).await?;
        }
    }
    report.errors.sort_by_key(|error| error.line);
    Ok(report)
}

fn parse(row: Row, now: Timestamp) -> Result<ImportedOrder, RowError> {
    let line = row.line;
    let failed = |(field, detail): (String, String)| RowError { line, field, detail };
    let members = row.members.map_err(failed)?;
    let row: ImportedOrder = typed(Value::Object(members))
        .map_err(|error| failed((error.pointer.trim_start_matches('/').to_owned(), error.detail)))?;
    historic::check(&row, now).map_err(failed)?;
    Ok(row)
}

fn candidate(line: u64, historic: Historic, attempt: u32, import: &OrderImport, now: Timestamp) -> Candidate {
    let order = historic.order(historic.order_id(attempt), &import.actor, now);
    Candidate { line, historic, attempt, order }
}

type Checked = Vec<(u64, Result<Historic, historic::Broken>)>;

/// Puts rows together with the customers and products that they name.
async fn look_up(
    import: &OrderImport,
    rows: Vec<(u64, ImportedOrder)>,
    report: &mut ImportReport,
) -> Result<Checked, ImportError> {
    let known = import.directory.look_up(rows.iter().map(|(_, row)| row)).await?;
    let mut checked = Vec::with_capacity(rows.len());
    for (line, row) in rows {
        let Some(customer_id) = known.customer(&row) else {
            let field = if row.customer_id.is_some() { "customerId" } else { "customerEmail" };
            report.fail(RowError {
                line,
                field: field.to_owned(),
                detail: "there is no such customer".to_owned(),
            });
            continue;
        };
        let mut products = Vec::with_capacity(row.lines.len());
        let mut missing = None;
        for (place, named) in row.lines.iter().enumerate() {
            match known.product(named) {
                Some(product) => products.push(product.clone()),
                None => {
                    let field = if named.product_id.is_some() { "productId" } else { "sku" };
                    missing = missing.or(Some(format!("lines/{place}/{field}")));
                }
            }
        }
        checked.push((
            line,
            match missing {
                Some(field) => Err((field, "there is no such product".to_owned())),
                None => Historic::parse(row, Named { customer_id, products }, import.stock),
            },
        ));
    }
    Ok(checked)
}

/// What would become of the rows.
async fn compare(
    state: &AppState,
    mut candidates: Vec<Candidate>,
    report: &mut ImportReport,
) -> Result<(), ImportError> {
    let mut first: HashMap<OrderId, Historic> = HashMap::new();
    while !candidates.is_empty() {
        let there = found(state, &candidates).await?;
        let mut again = Vec::new();
        for mut candidate in candidates {
            match there.get(&candidate.order.id) {
                Some(order) if is_refused(order) && candidate.attempt + 1 < ATTEMPTS => {
                    candidate.attempt += 1;
                    candidate.order.id = candidate.historic.order_id(candidate.attempt);
                    again.push(candidate);
                }
                Some(order) => settle_known(&candidate, order, report),
                None => match first.get(&candidate.order.id) {
                    Some(earlier) if earlier.fingerprint() == candidate.historic.fingerprint() => {
                        report.unchanged += 1
                    }
                    Some(_) => report.fail(other_content(candidate.line)),
                    None => {
                        report.created += 1;
                        first.insert(candidate.order.id, candidate.historic);
                    }
                },
            }
        }
        candidates = again;
    }
    Ok(())
}

async fn found(state: &AppState, candidates: &[Candidate]) -> Result<HashMap<OrderId, Order>, StoreError> {
    let ids: Vec<OrderId> = candidates.iter().map(|candidate| candidate.order.id).collect();
    let orders = state.orders.find_many(&ids).await?;
    Ok(orders.into_iter().map(|order| (order.id, order)).collect())
}

fn is_refused(order: &Order) -> bool {
    order.status == OrderStatus::Rejected
}

/// A row whose order is there and decided.
fn settle_known(candidate: &Candidate, order: &Order, report: &mut ImportReport) {
    if order.fingerprint != candidate.historic.fingerprint() {
        report.fail(other_content(candidate.line));
    } else if is_refused(order) {
        report.fail(refused(candidate.line, &order.rejections));
    } else {
        report.unchanged += 1;
    }
}

fn other_content(line: u64) -> RowError {
    let detail = "was imported with another content".to_owned();
    RowError { line, field: "externalId".to_owned(), detail }
}

/// Inserts orders and reserves what they need. Answers those that are to be tried once more.
async fn write(
    state: &AppState,
    candidates: Vec<Candidate>,
    import: &OrderImport,
    report: &mut ImportReport,
) -> Result<Vec<Candidate>, ImportError> {
    let orders: Vec<Order> = candidates.iter().map(|candidate| candidate.order.clone()).collect();
    let recorded = state.orders.record(&orders).await;
    if recorded.contains(&Recorded::Unknown) {
        return Err(ImportError::Unsettled);
    }
    let (mut undecided, mut met) = (Vec::new(), Vec::new());
    for (candidate, recorded) in candidates.into_iter().zip(recorded) {
        match recorded {
            Recorded::New if candidate.order.status == OrderStatus::Pending => undecided.push(candidate),
            Recorded::New => report.created += 1,
            Recorded::AlreadyThere | Recorded::Unknown => met.push(candidate),
        }
    }
    let again = meet(state, met, &mut undecided, import, report).await?;
    decide(state, undecided, report).await?;
    Ok(again)
}

/// Rows whose identity or external id is taken: by their own order, by an attempt that failed, or by another order.
async fn meet(
    state: &AppState,
    met: Vec<Candidate>,
    undecided: &mut Vec<Candidate>,
    import: &OrderImport,
    report: &mut ImportReport,
) -> Result<Vec<Candidate>, ImportError> {
    let (mut again, there) = (Vec::new(), found(state, &met).await?);
    let mut carried_on: HashSet<OrderId> = undecided.iter().map(|candidate| candidate.order.id).collect();
    for candidate in met {
        let Some(order) = there.get(&candidate.order.id) else {
            report.fail(taken(state, &candidate).await?);
            continue;
        };
        let is_ours = order.fingerprint == candidate.historic.fingerprint();
        match order.status {
            // Whoever began it did not finish it. A row that stands twice is carried on once.
            OrderStatus::Pending if is_ours && carried_on.insert(order.id) => {
                undecided.push(Candidate { order: order.clone(), ..candidate });
            }
            OrderStatus::Rejected if candidate.attempt + 1 < ATTEMPTS => {
                let Candidate { line, historic, attempt, .. } = candidate;
                again.push(self::candidate(line, historic, attempt + 1, import, Timestamp::now()));
            }
            _ => settle_known(&candidate, order, report),
        }
    }
    Ok(again)
}

/// The order that has a row's external id and is not the row's.
async fn taken(state: &AppState, candidate: &Candidate) -> Result<RowError, ImportError> {
    let external_id = candidate.order.external_id.as_ref().ok_or(ImportError::Unsettled)?;
    match state.orders.find_by_external_id(external_id).await? {
        Some(other) if other != candidate.order.id => Ok(RowError {
            line: candidate.line,
            field: "externalId".to_owned(),
            detail: format!("order {other} has it"),
        }),
        // Somebody else is writing it at this moment.
        _ => Err(ImportError::Unsettled),
    }
}
