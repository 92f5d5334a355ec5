//! A change of a product's catalogue entry: read, change, compare and swap.

use crate::domain::product::Product;
use crate::startup::AppState;
use common::ids::ProductId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::product::{self as model, ProductChange};
use common::money::InvalidMoney;
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
    #[error("the price {0}")]
    Price(#[from] InvalidMoney),
    #[error("other changes were first, again and again")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes the product, only if it is at `expected` where that is given.
pub async fn change_product(
    state: &AppState,
    id: ProductId,
    change: ProductChange,
    expected: Option<i64>,
    actor: &AuditActor,
) -> Result<model::Product, ChangeProductError> {
    for _ in 0..ATTEMPTS {
        let product = state.products.find(id).await?.ok_or(ChangeProductError::NotFound)?;
        if expected.is_some_and(|expected| expected != product.version) {
            return Err(ChangeProductError::Stale { version: product.version });
        }
        let changed = product.changed(change.clone(), Timestamp::now())?;
        let event = told(&product, &changed, actor);
        if changed.version == product.version || state.products.replace(&changed, &event).await? {
            return Ok(with_inventory(state, changed).await?);
        }
    }
    Err(ChangeProductError::Contended)
}

/// What changed, for the audit trail: prices and the status with what they were.
fn told(before: &Product, after: &Product, actor: &AuditActor) -> AuditEvent {
    let subject = AuditSubject::new(SubjectKind::Product, after.id);
    let mut event = AuditEvent::new(actor.clone(), "product.changed", subject);
    if before.price.minor() != after.price.minor() {
        event = event.with("priceMinor", json!({ "from": before.price.minor(), "to": after.price.minor() }));
    }
    if before.status != after.status {
        event = event.with("status", json!({ "from": before.status, "to": after.status }));
    }
    let texts = [
        (before.name != after.name, "name"),
        (before.description != after.description, "description"),
        (before.sku != after.sku, "sku"),
    ];
    let texts: Vec<&str> =
        texts.into_iter().filter(|(is_changed, _)| *is_changed).map(|(_, field)| field).collect();
    if texts.is_empty() { event } else { event.with("fields", texts) }
}

async fn with_inventory(state: &AppState, product: Product) -> Result<model::Product, StoreError> {
    let available = state.stock.available([product.id].into_iter()).await?;
    let units = available.get(&product.id).copied().unwrap_or(0);
    Ok(product.with_inventory(units))
}
