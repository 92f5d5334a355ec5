//! Deciding imported orders that need stock: reserved in batches, then told what was decided.

use super::import_orders::{Candidate, ImportError};
use super::placement::{event_of, settlement};
use crate::domain::order::Order;
use crate::startup::AppState;
use crate::store::orders::Swap;
use common::ids::OrderId;
use common::models::bulk::{ImportReport, RowError};
use common::models::ledger::{LedgerEntry, MAX_BATCH_LINES, MAX_ENTRIES};
use common::models::order::{OrderStatus, Rejection};
use std::collections::HashMap;

/// Reserves what is open of pending orders, in the order of the file, and tells them.
pub(super) async fn decide(
    state: &AppState,
    mut undecided: Vec<Candidate>,
    report: &mut ImportReport,
) -> Result<(), ImportError> {
    undecided.sort_by_key(|candidate| candidate.line);
    let mut rest = undecided.as_slice();
    while !rest.is_empty() {
        let mut lines = 0;
        let fits = rest.iter().take(MAX_ENTRIES).take_while(|candidate| {
            lines += candidate.order.lines.len();
            lines <= MAX_BATCH_LINES
        });
        let (batch, others) = rest.split_at(fits.count().max(1));
        decide_batch(state, batch, report).await?;
        rest = others;
    }
    Ok(())
}

async fn decide_batch(
    state: &AppState,
    batch: &[Candidate],
    report: &mut ImportReport,
) -> Result<(), ImportError> {
    let entry =
        |candidate: &Candidate| LedgerEntry::reserve(candidate.order.id, candidate.order.requested_lines());
    let outcomes = state.ledger.post(batch.iter().map(entry).collect()).await?;
    let (mut swaps, mut is_whole) = (Vec::with_capacity(batch.len()), true);
    for (Candidate { order, .. }, outcome) in batch.iter().zip(outcomes) {
        let Some(event) = event_of(outcome) else {
            is_whole = false;
            continue;
        };
        swaps.push(settlement(order, event)?);
    }
    let decided = tell(state, swaps).await?;
    for candidate in batch {
        match decided.get(&candidate.order.id) {
            Some(order) if order.status == OrderStatus::Rejected => {
                report.fail(refused(candidate.line, &order.rejections));
            }
            Some(order) if order.status != OrderStatus::Pending => report.created += 1,
            _ => is_whole = false,
        }
    }
    if is_whole { Ok(()) } else { Err(ImportError::Unsettled) }
}

/// Writes what was decided. Where somebody else was first, the sweeper or the same file beside this one, what they wrote
/// counts.
async fn tell(state: &AppState, swaps: Vec<Swap>) -> Result<HashMap<OrderId, Order>, ImportError> {
    if swaps.is_empty() {
        return Ok(HashMap::new());
    }
    let swapped = state.orders.swap(&swaps).await?;
    let others: Vec<OrderId> =
        swaps.iter().map(|swap| swap.to.id).filter(|id| !swapped.contains(id)).collect();
    let mut decided: HashMap<OrderId, Order> = swaps.into_iter().map(|swap| (swap.to.id, swap.to)).collect();
    if !others.is_empty() {
        decided.extend(state.orders.find_many(&others).await?.into_iter().map(|order| (order.id, order)));
    }
    Ok(decided)
}

/// Why there is no stock for a row.
pub(super) fn refused(line: u64, reasons: &[Rejection]) -> RowError {
    let told = |reason: &Rejection| {
        let of = reason.product_id.map_or_else(String::new, |product| format!(" {product}"));
        let available = reason.available.map_or_else(String::new, |units| format!(" ({units} available)"));
        format!("{}{of}{available}", reason.code.as_str())
    };
    let detail = match reasons {
        [] => "got no stock".to_owned(),
        reasons => format!("got no stock: {}", reasons.iter().map(told).collect::<Vec<_>>().join(", ")),
    };
    RowError { line, field: "lines".to_owned(), detail }
}
