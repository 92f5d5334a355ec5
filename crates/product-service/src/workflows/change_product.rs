//! A change of a product's catalogue entry: read, merge, compare and swap.

use super::change_stock::{self, ChangeStockError};
use crate::domain::entry::{Expected, Settings, StockEntry, Wish};
use crate::domain::product::{InvalidProduct, Product};
use crate::startup::AppState;
use crate::store::product_writes::{Replaced, Taken};
use common::error::FieldError;
use common::http::merge_patch::{Patch, merged};
use common::ids::{MovementId, ProductId};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::product as model;
use common::mongo::StoreError;
use common::time::Timestamp;
use serde_json::json;

/// How often a change that names no version starts again because another one was first.
const ATTEMPTS: u32 = 8;

#[derive(Debug, thiserror::Error)]
pub enum ChangeProductError {
    #[error("there is no such product")]
    NotFound,
    #[error("the product is at version {version}")]
    Stale { version: i64 },
    #[error("{} {}", .0.pointer, .0.detail)]
    Field(FieldError),
    #[error(transparent)]
    Invalid(#[from] InvalidProduct),
    #[error("there is no such category")]
    UnknownCategory,
    #[error("another product has this")]
    Taken(Taken),
    #[error(transparent)]
    Stock(#[from] ChangeStockError),
    #[error("other changes were first, again and again")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes the product by a merge patch, only if it is at `expected` where that is given.
pub async fn change_product(
    state: &AppState,
    id: ProductId,
    patch: Patch,
    expected: Option<i64>,
    actor: &AuditActor,
) -> Result<model::Product, ChangeProductError> {
    for _ in 0..ATTEMPTS {
        let product = state.products.find(id).await?.ok_or(ChangeProductError::NotFound)?;
        if expected.is_some_and(|expected| expected != product.version) {
            return Err(ChangeProductError::Stale { version: product.version });
        }
        let wanted = merged(&product.request(), patch.clone()).map_err(ChangeProductError::Field)?;
        let changed = product.changed(wanted, Timestamp::now())?;
        if changed.version == product.version {
            return Ok(with_inventory(state, changed).await?);
        }
        check_category(state, &product, &changed).await?;
        set_backorder_limit(state, &product, &changed, actor).await?;
        match state.products.replace(&changed, &told(&product, &changed, actor)).await? {
            Replaced::Done => return Ok(with_inventory(state, changed).await?),
            Replaced::Stale => {}
            Replaced::Taken(taken) => return Err(ChangeProductError::Taken(taken)),
        }
    }
    Err(ChangeProductError::Contended)
}

/// A category that the product had already may have gone meanwhile; a new one must be there.
async fn check_category(
    state: &AppState,
    before: &Product,
    after: &Product,
) -> Result<(), ChangeProductError> {
    match &after.details.category {
        Some(category) if before.details.category.as_ref() != Some(category) => {
            let is_there = state.categories.has(category).await?;
            if is_there { Ok(()) } else { Err(ChangeProductError::UnknownCategory) }
        }
        _ => Ok(()),
    }
}

/// The stock first, which may refuse: more may be promised already. A repeat sets it once more.
async fn set_backorder_limit(
    state: &AppState,
    before: &Product,
    after: &Product,
    actor: &AuditActor,
) -> Result<(), ChangeProductError> {
    if before.backorder_limit() == after.backorder_limit() {
        return Ok(());
    }
    let settings = Settings { backorder_limit: Some(after.backorder_limit()), ..Settings::default() };
    let wish = Wish::Configure { settings, expected: Expected::default() };
    let entry = StockEntry { id: MovementId::new(), product_id: after.id, wish, actor: actor.clone() };
    change_stock::change(state, entry).await?;
    Ok(())
}

/// What changed, for the audit trail: prices and the status with what they were, the rest by name.
fn told(before: &Product, after: &Product, actor: &AuditActor) -> AuditEvent {
    let subject = AuditSubject::new(SubjectKind::Product, after.id);
    let mut event = AuditEvent::new(actor.clone(), "product.changed", subject);
    if before.price.minor() != after.price.minor() {
        event = event.with("priceMinor", json!({ "from": before.price.minor(), "to": after.price.minor() }));
    }
    if before.status != after.status {
        event = event.with("status", json!({ "from": before.status, "to": after.status }));
    }
    let fields = before.fields_changed(after);
    if fields.is_empty() { event } else { event.with("fields", fields) }
}

async fn with_inventory(state: &AppState, product: Product) -> Result<model::Product, StoreError> {
    let available = state.stock.available([product.id].into_iter()).await?;
    let units = available.get(&product.id).copied().unwrap_or(0);
    Ok(product.with_inventory(units))
}
