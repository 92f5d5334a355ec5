//! Deciding an edit that needs stock: recorded on the order, reserved under its own identity, then settled. Every step
//! may be repeated by anyone, after any crash.

use super::change_order::{ChangeError, Changed, TRIES, write};
use super::placement::ACTOR;
use crate::domain::moves::{Cause, Event, Hand, apply};
use crate::domain::order::{Order, Request};
use crate::startup::AppState;
use common::ids::MovementId;
use common::models::ledger::LedgerOutcome;
use common::time::Timestamp;
use std::sync::Arc;

/// Whether the edit that waits is this request's.
pub fn is_waiting(order: &Order, keyed: Request) -> Result<bool, ChangeError> {
    match order.edit.as_ref().and_then(|edit| edit.request) {
        Some(request) if request == keyed => Ok(true),
        Some(request) if request.id == keyed.id => Err(ChangeError::KeyReused),
        _ => Ok(false),
    }
}

/// Asks the ledger to decide the edit that waits, and tells the order.
pub async fn decide(state: &Arc<AppState>, order: Order) -> Result<Changed, ChangeError> {
    let order_id = order.id;
    let Some((id, more)) = order.edit.as_ref().map(|edit| (edit.id, edit.more.clone())) else {
        return Err(ChangeError::Contended);
    };
    let outcome = state.placement.reserve_more(id, order_id, more).await;
    let outcome = outcome.map_err(|failed| ChangeError::Unsettled { order_id, cause: failed.to_string() })?;
    settle(state, order, id, outcome).await
}

/// Tells the order what the ledger decided, unless someone else has told it.
pub async fn settle(
    state: &Arc<AppState>,
    mut order: Order,
    id: MovementId,
    outcome: LedgerOutcome,
) -> Result<Changed, ChangeError> {
    let order_id = order.id;
    let event = match outcome {
        LedgerOutcome::Reserved { currency, items } => Event::EditReserved { id, currency, items },
        LedgerOutcome::Refused { reasons } => Event::EditRefused { id, reasons },
        LedgerOutcome::Applied | LedgerOutcome::Failed { .. } => {
            let cause = "the ledger has no answer".to_owned();
            return Err(ChangeError::Unsettled { order_id, cause });
        }
    };
    for _ in 0..TRIES {
        if order.edit.as_ref().is_none_or(|edit| edit.id != id) {
            let change = order.settled_edit(id).cloned().ok_or(ChangeError::Contended)?;
            return Ok(Changed::now(order, change));
        }
        let settled = apply(&order, event.clone(), &Cause::new(ACTOR, Hand::Staff, Timestamp::now()))?;
        if write(state, &order, &settled).await? {
            let change = settled.history.last().cloned().ok_or(ChangeError::Contended)?;
            return Ok(Changed::now(settled, change));
        }
        order = state.orders.find_surely(order_id).await?.ok_or(ChangeError::NotFound)?;
    }
    Err(ChangeError::Unsettled { order_id, cause: "others keep changing the order".to_owned() })
}
