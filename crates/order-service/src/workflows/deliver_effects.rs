//! Delivering what orders owe the stock ledger: by identity, so that a repeat is a no-op, then marked as done.

use crate::domain::order::{Effect, EffectKind, Order};
use crate::startup::AppState;
use common::ids::{MovementId, OrderId};
use common::models::ledger::{LedgerEntry, LedgerOutcome, MAX_BATCH_LINES, MAX_ENTRIES};

/// Delivers every effect that these orders owe. What fails stays due.
pub async fn deliver_effects(state: &AppState, orders: &[Order]) {
    let mut batch: Vec<(OrderId, Effect)> = Vec::new();
    let mut lines = 0;
    for order in orders {
        for effect in order.effects_due() {
            let too_heavy = lines + effect.lines.len() > MAX_BATCH_LINES || batch.len() >= MAX_ENTRIES;
            if too_heavy && !batch.is_empty() {
                deliver_batch(state, std::mem::take(&mut batch)).await;
                lines = 0;
            }
            lines += effect.lines.len();
            batch.push((order.id, effect.clone()));
        }
    }
    if !batch.is_empty() {
        deliver_batch(state, batch).await;
    }
}

async fn deliver_batch(state: &AppState, effects: Vec<(OrderId, Effect)>) {
    let identities: Vec<(OrderId, MovementId)> =
        effects.iter().map(|(order, effect)| (*order, effect.id)).collect();
    let entries = effects.into_iter().map(|(order_id, effect)| match effect.kind {
        EffectKind::Release => LedgerEntry::Release { id: effect.id, order_id, lines: effect.lines },
    });
    let outcomes = match state.ledger.post(entries.collect()).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::warn!(%error, effects = identities.len(), "effects stay due");
            return;
        }
    };
    let mut done = Vec::with_capacity(identities.len());
    for ((order_id, effect_id), outcome) in identities.into_iter().zip(outcomes) {
        match outcome {
            LedgerOutcome::Applied => done.push((order_id, effect_id)),
            other => tracing::error!(%order_id, %effect_id, outcome = ?other, "an effect stays due"),
        }
    }
    if done.is_empty() {
        return;
    }
    if let Err(error) = state.orders.mark_done(&done).await {
        tracing::warn!(%error, effects = done.len(), "effects delivered but not marked");
    }
}
