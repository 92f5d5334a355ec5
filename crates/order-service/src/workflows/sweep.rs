//! What a coordinator that died left behind: pending orders are refused unless their reservation exists, and settled;
//! effects that are due are delivered.

use super::deliver_effects::deliver_effects;
use super::place_order::event_of;
use crate::config::SweeperSettings;
use crate::domain::order::Order;
use crate::startup::AppState;
use common::models::ledger::{LedgerEntry, LedgerOutcome, MAX_BATCH_LINES, MAX_ENTRIES};
use common::time::Timestamp;

/// One turn. What fails is left for the next one.
pub async fn sweep_once(state: &AppState, settings: &SweeperSettings) {
    let before = Timestamp::now().plus_millis(-settings.older_than_ms);
    match state.orders.pending_since(before, settings.orders).await {
        Ok(orders) => {
            for orders in batches(&orders) {
                settle_abandoned(state, orders).await;
            }
        }
        Err(error) => tracing::warn!(%error, "pending orders cannot be listed"),
    }
    match state.orders.with_effects_due_since(before, settings.orders).await {
        Ok(orders) => deliver_effects(state, &orders).await,
        Err(error) => tracing::warn!(%error, "effects cannot be listed"),
    }
}

/// As many orders as one call may bring back with all their lines.
fn batches(orders: &[Order]) -> Vec<&[Order]> {
    let mut batches = Vec::new();
    let mut rest = orders;
    while !rest.is_empty() {
        let mut lines = 0;
        let fits = rest.iter().take(MAX_ENTRIES).take_while(|order| {
            lines += order.lines.len();
            lines <= MAX_BATCH_LINES
        });
        let (batch, others) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = others;
    }
    batches
}

/// The ledger refuses what nobody reserved, and answers what was decided where it was; only then may the order be told.
async fn settle_abandoned(state: &AppState, orders: &[Order]) {
    let entries = orders.iter().map(|order| LedgerEntry::refuse(order.id)).collect();
    let outcomes = match state.ledger.post(entries).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::warn!(%error, orders = orders.len(), "abandoned orders stay pending");
            return;
        }
    };
    let settled = orders.iter().zip(outcomes).map(|(order, outcome)| settle(state, order, outcome));
    let settled =
        futures_util::future::join_all(settled).await.into_iter().filter(|settled| *settled).count();
    tracing::info!(orders = orders.len(), settled, "abandoned orders swept");
}

async fn settle(state: &AppState, order: &Order, outcome: LedgerOutcome) -> bool {
    let Some(event) = event_of(outcome) else { return false };
    match state.placement.settle(order, event).await {
        Ok(settled) => settled.is_some(),
        Err(error) => {
            tracing::error!(order_id = %order.id, %error, "an abandoned order stays pending");
            false
        }
    }
}
