//! Stock set, corrected, received and moved by hand, through the one writer.

use crate::domain::entry::{
    Entry, Expected, Outcome, Settings, StockChanged, StockEntry, StockRefused, Wish,
};
use crate::domain::stock::Stock;
use crate::startup::AppState;
use common::http::idempotency::IdempotencyKey;
use common::ids::{MovementId, ProductId};
use common::models::audit::AuditActor;
use common::models::inventory::{InventoryChange, NewReceipt, NewTransfer};
use common::models::location::LocationId;
use common::models::product::{self as model, Adjustment, NewAdjustment, SetInventory, Units};
use common::mongo::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum ChangeStockError {
    #[error(transparent)]
    Refused(#[from] StockRefused),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets what is available, only if the stock is at `version` and as the request expects it. Answers the product with
/// its stock as it was decided, and the version of that.
pub async fn set_inventory(
    state: &AppState,
    product_id: ProductId,
    request: SetInventory,
    version: Option<i64>,
    actor: AuditActor,
) -> Result<(model::Product, i64), ChangeStockError> {
    let SetInventory { quantity, expected_quantity, location_id } = request;
    let expected = Expected { version, available: expected_quantity.map(|units| units.get().into()) };
    let wish = Wish::SetAvailable { available: quantity, location_id, expected };
    let changed = change(state, StockEntry { id: MovementId::new(), product_id, wish, actor }).await?;
    let product = state.products.find(product_id).await?.ok_or(StockRefused::UnknownProduct)?;
    let available = changed.rows.iter().map(Stock::available).sum();
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
    let id = identity(b"adjust_inventory", key.as_ref(), &actor);
    let NewAdjustment { delta, reason, location_id } = new;
    let location_id = location_id.unwrap_or_else(LocationId::main);
    let wish = Wish::Adjust { delta, location_id: location_id.clone(), reason: reason.clone() };
    let changed = change(state, StockEntry { id, product_id, wish, actor }).await?;
    let at = changed.movement.ok_or_else(misplaced)?.at;
    Ok((Adjustment { id, product_id, location_id, delta, reason, at }, changed.replayed))
}

/// Units came in.
pub async fn receive(
    state: &AppState,
    product_id: ProductId,
    new: NewReceipt,
    key: Option<IdempotencyKey>,
    actor: AuditActor,
) -> Result<StockChanged, ChangeStockError> {
    let id = identity(b"receive", key.as_ref(), &actor);
    let NewReceipt { quantity, location_id, reason } = new;
    let location_id = location_id.unwrap_or_else(LocationId::main);
    let wish = Wish::Receive { quantity: quantity.get().into(), location_id, reason };
    change(state, StockEntry { id, product_id, wish, actor }).await
}

/// Units went from one place to another.
pub async fn transfer(
    state: &AppState,
    product_id: ProductId,
    new: NewTransfer,
    key: Option<IdempotencyKey>,
    actor: AuditActor,
) -> Result<StockChanged, ChangeStockError> {
    let id = identity(b"transfer", key.as_ref(), &actor);
    let NewTransfer { from, to, quantity, reason } = new;
    let wish = Wish::Transfer { from, to, quantity: quantity.get().into(), reason };
    change(state, StockEntry { id, product_id, wish, actor }).await
}

/// Changes how the product is kept. Answers all its rows.
pub async fn configure(
    state: &AppState,
    product_id: ProductId,
    request: InventoryChange,
    version: Option<i64>,
    actor: AuditActor,
) -> Result<Vec<Stock>, ChangeStockError> {
    let units = |units: Units| i64::from(units.get());
    let settings = Settings {
        incoming: request.incoming.map(units),
        backorder_limit: None,
        low_stock_threshold: request.low_stock_threshold.map(|threshold| threshold.map(units)),
    };
    let wish = Wish::Configure { settings, expected: Expected { version, available: None } };
    let changed = change(state, StockEntry { id: MovementId::new(), product_id, wish, actor }).await?;
    Ok(changed.rows)
}

fn identity(operation: &[u8], key: Option<&IdempotencyKey>, actor: &AuditActor) -> MovementId {
    match key {
        Some(key) => MovementId::derived(&[operation, actor.identity().as_slice(), key.as_bytes()]),
        None => MovementId::new(),
    }
}

pub(super) async fn change(state: &AppState, entry: StockEntry) -> Result<StockChanged, ChangeStockError> {
    match state.stock_writer.post(Entry::Stock(entry)).await {
        Outcome::Stock(outcome) => Ok(outcome?),
        Outcome::Order(_) | Outcome::Hold(_) => Err(misplaced()),
    }
}

fn misplaced() -> ChangeStockError {
    StoreError::Corrupt("the stock writer answered another entry".to_owned()).into()
}
