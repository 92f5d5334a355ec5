//! Stock set or corrected by hand, through the one writer.

use crate::domain::entry::{Adjust, Entry, Outcome, SetAvailable, StockChanged, StockRefused};
use crate::domain::stock::Stock;
use crate::startup::AppState;
use common::http::idempotency::IdempotencyKey;
use common::ids::{MovementId, ProductId};
use common::models::audit::AuditActor;
use common::models::product::{self as model, Adjustment, NewAdjustment, Units};
use common::mongo::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ChangeStockError {
    #[error(transparent)]
    Refused(#[from] StockRefused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets what is available, only if the stock is at version `expected` where that is given. Answers the product with
/// its stock as it was decided.
pub async fn set_inventory(
    state: &AppState,
    product_id: ProductId,
    available: Units,
    expected: Option<i64>,
    actor: AuditActor,
) -> Result<(model::Product, Stock), ChangeStockError> {
    let entry = Entry::SetAvailable(SetAvailable {
        id: MovementId::new(),
        product_id,
        available,
        expected_version: expected,
        actor,
    });
    let stock = match state.stock_writer.post(entry).await {
        Outcome::Stock(Ok(StockChanged::Set(stock))) => stock,
        Outcome::Stock(Err(refused)) => return Err(refused.into()),
        Outcome::Stock(Ok(StockChanged::Adjusted { .. })) | Outcome::Order(_) => return Err(misplaced()),
    };
    let product = state.products.find(product_id).await?.ok_or(StockRefused::UnknownProduct)?;
    Ok((product.with_inventory(stock.available()), stock))
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
    let adjust = Adjust { id, product_id, delta, reason: reason.clone(), actor };
    match state.stock_writer.post(Entry::Adjust(adjust)).await {
        Outcome::Stock(Ok(StockChanged::Adjusted { movement, replayed })) => {
            Ok((Adjustment { id, product_id, delta, reason, at: movement.at }, replayed))
        }
        Outcome::Stock(Err(refused)) => Err(refused.into()),
        Outcome::Stock(Ok(StockChanged::Set(_))) | Outcome::Order(_) => Err(misplaced()),
    }
}

fn misplaced() -> ChangeStockError {
    StoreError::Corrupt("the stock writer answered another entry".to_owned()).into()
}
