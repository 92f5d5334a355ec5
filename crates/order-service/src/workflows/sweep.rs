//! What a coordinator that died left behind: pending orders and edits are refused unless their reservation exists, and
//! settled; effects that are due are delivered. Every replica sweeps, and pages past what cannot succeed.

use super::edit_order;
use super::placement::event_of;
use crate::config::SweeperSettings;
use crate::domain::order::Order;
use crate::startup::AppState;
use common::fault::{self, Omission, Point};
use common::http::page::Cursor;
use common::http::peer::PeerError;
use common::models::ledger::{LedgerEntry, LedgerOutcome, MAX_BATCH_LINES, MAX_ENTRIES};
use common::time::Timestamp;
use futures_util::future::join_all;
use std::sync::Arc;

/// Most pages of one kind in one turn.
const MAX_PAGES: u32 = 100;

/// One turn. What fails is left for the next one.
pub async fn sweep_once(state: &Arc<AppState>, settings: &SweeperSettings) {
    let before = Timestamp::now().plus_millis(-settings.older_than_ms);
    sweep_pending(state, before, settings.orders).await;
    sweep_edits(state, before, settings.orders).await;
    sweep_effects(state, before, settings.orders).await;
}

/// Whether a page is the last one.
fn is_last(found: usize, limit: i64) -> bool {
    i64::try_from(found).map_or(true, |found| found < limit)
}

async fn sweep_pending(state: &Arc<AppState>, before: Timestamp, limit: i64) {
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let orders = match state.orders.pending_since(before, after, limit).await {
            Ok(orders) => orders,
            Err(error) => return tracing::warn!(%error, "pending orders cannot be listed"),
        };
        for batch in batches(&orders, |order| order.lines.len()) {
            settle_abandoned(state, batch).await;
        }
        let Some(last) = orders.last().filter(|_| !is_last(orders.len(), limit)) else { return };
        after = Some(Cursor { at: last.created_at, id: last.id.uuid() });
    }
}

async fn sweep_edits(state: &Arc<AppState>, before: Timestamp, limit: i64) {
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let orders = match state.orders.edits_waiting_since(before, after, limit).await {
            Ok(orders) => orders,
            Err(error) => return tracing::warn!(%error, "edits cannot be listed"),
        };
        after = orders.last().map(|last| last.id).filter(|_| !is_last(orders.len(), limit));
        for batch in batches(&orders, |order| order.edit.as_ref().map_or(0, |edit| edit.more.len())) {
            settle_edits(state, batch).await;
        }
        if after.is_none() {
            return;
        }
    }
}

async fn sweep_effects(state: &Arc<AppState>, before: Timestamp, limit: i64) {
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let debts = match state.orders.debts_since(before, after, limit).await {
            Ok(debts) => debts,
            Err(error) => return tracing::warn!(%error, "effects cannot be listed"),
        };
        after = debts.last().map(|last| last.id).filter(|_| !is_last(debts.len(), limit));
        let owed =
            debts.into_iter().flat_map(|debt| debt.effects.into_iter().map(move |effect| (debt.id, effect)));
        state.delivery.deliver(owed).await;
        if after.is_none() {
            return;
        }
    }
}

/// As many orders as one call may bring back with all their lines.
fn batches(orders: &[Order], lines_of: fn(&Order) -> usize) -> Vec<&[Order]> {
    let mut batches = Vec::new();
    let mut rest = orders;
    while !rest.is_empty() {
        let mut lines = 0;
        let fits = rest.iter().take(MAX_ENTRIES).take_while(|order| {
            lines += lines_of(order);
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
    fault::point(Point::BeforeSweepRefuse);
    let posted = refuse(state, entries).await;
    fault::point(Point::AfterSweepRefuse);
    let outcomes = match posted {
        Ok(outcomes) => outcomes,
        Err(error) => return tracing::warn!(%error, orders = orders.len(), "abandoned orders stay pending"),
    };
    let settled = orders.iter().zip(outcomes).map(|(order, outcome)| settle(state, order, outcome));
    let settled = join_all(settled).await.into_iter().filter(|settled| *settled).count();
    if settled > 0 {
        tracing::info!(orders = orders.len(), settled, "abandoned orders swept");
    }
}

async fn refuse(state: &AppState, entries: Vec<LedgerEntry>) -> Result<Vec<LedgerOutcome>, PeerError> {
    if fault::is_left_out(Omission::ExpiryWithoutRefusal) {
        return Ok(vec![LedgerOutcome::Refused { reasons: Vec::new() }; entries.len()]);
    }
    state.ledger.post(entries).await
}

async fn settle(state: &AppState, order: &Order, outcome: LedgerOutcome) -> bool {
    let Some(event) = event_of(outcome) else { return false };
    match state.placement.settle(order, event).await {
        Ok(settled) => settled.is_some(),
        Err(error) => {
            if state.said.may_say(order.id) {
                tracing::error!(order_id = %order.id, %error, "an abandoned order stays pending");
            }
            false
        }
    }
}

/// The same for edits, which are decided under identities of their own.
async fn settle_edits(state: &Arc<AppState>, orders: &[Order]) {
    let waiting: Vec<_> = orders.iter().filter_map(|order| Some((order, order.edit.as_ref()?.id))).collect();
    let entries = waiting.iter().map(|(order, id)| LedgerEntry::Refuse { id: *id, order_id: order.id });
    fault::point(Point::BeforeSweepRefuse);
    let posted = state.ledger.post(entries.collect()).await;
    fault::point(Point::AfterSweepRefuse);
    let outcomes = match posted {
        Ok(outcomes) => outcomes,
        Err(error) => return tracing::warn!(%error, edits = waiting.len(), "abandoned edits stay unsettled"),
    };
    for ((order, id), outcome) in waiting.into_iter().zip(outcomes) {
        if let Err(error) = edit_order::settle(state, order.clone(), id, outcome).await
            && state.said.may_say(order.id)
        {
            tracing::error!(order_id = %order.id, edit_id = %id, %error, "an abandoned edit stays unsettled");
        }
    }
}
