//! Stock set or corrected by hand, through the one writer.

use crate::domain::entry::{Entry, Expected, Outcome, StockChanged, StockEntry, StockRefused, Wish};
use crate::startup::AppState;
use common::http::idempotency::IdempotencyKey;
use common::ids::{MovementId, ProductId};
use common::models::audit::AuditActor;
use common::models::location::LocationId;
use common::models::product::{self as model, Adjustment, NewAdjustment, Units};
use common::mongo::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ChangeStockError {
    #[error(transparent)]
    Refused(#[from] StockRefused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets what is available, only if the stock is as `expected`. Answers the product with its stock as it was decided,
/// and the version of that.
pub async fn set_inventory(
    state: &AppState,
    product_id: ProductId,
    available: Units,
    expected: Expected,
    actor: AuditActor,
) -> Result<(model::Product, i64), ChangeStockError> {
    let wish = Wish::SetAvailable { available, location_id: None, expected };
    let changed = change(state, StockEntry { id: MovementId::new(), product_id, wish, actor }).await?;
    let product = state.products.find(product_id).await?.ok_or(StockRefused::UnknownProduct)?;
    let available = changed.rows.iter().map(|row| row.available()).sum();
    let version = changed.rows.iter().map(|row| row.version).sum();
    Ok((product.with_inventory(available), version))
}

/// Adds to what is on hand or takes from it. Answers the adjustment, and whether an earlier request made it.
pub async fn adjust_inventory(
    state: &AppState,
    product_id: ProductId,
    new: NewAdjustment,
    key: Option<IdempotencyKey>,
    actor: AuditActor,
) -> Result<(Adjustment, bool), ChangeStockError> {
    let id = match key {
        Some(key) => MovementId::derived(&[b"adjust_inventory", actor.identity().as_slice(), key.as_bytes()]),
        None => MovementId::new(),
    };
    let NewAdjustment { delta, reason } = new;
    let wish = Wish::Adjust { delta, location_id: LocationId::main(), reason: reason.clone() };
    let changed = change(state, StockEntry { id, product_id, wish, actor }).await?;
    let movement = changed.movement.ok_or_else(misplaced)?;
    Ok((Adjustment { id, product_id, delta, reason, at: movement.at }, changed.replayed))
}

pub(super) async fn change(state: &AppState, entry: StockEntry) -> Result<StockChanged, ChangeStockError> {
    match state.stock_writer.post(Entry::Stock(entry)).await {
        Outcome::Stock(outcome) => Ok(outcome?),
        Outcome::Order(_) => Err(misplaced()),
    }
}

fn misplaced() -> ChangeStockError {
    StoreError::Corrupt("the stock writer answered another entry".to_owned()).into()
}
