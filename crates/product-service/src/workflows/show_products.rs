//! Products as clients see them: the catalogue entry with what is available at this moment.

use crate::domain::stock::Stock;
use crate::startup::AppState;
use crate::store::products::ProductFilter;
use common::ids::ProductId;
use common::models::product as model;
use common::mongo::StoreError;

/// The product, if this reader may see it. What is in stock is never taken from a cache.
pub async fn show_product(
    state: &AppState,
    id: ProductId,
    sees_all: bool,
) -> Result<Option<model::Product>, StoreError> {
    // Both to their end: a dropped driver future can corrupt the driver's state.
    let (product, stock) = tokio::join!(state.products.look_up(id), state.stock.of_product(id));
    let visible = product?.filter(|product| product.is_visible_to(sees_all));
    let available = stock?.iter().map(Stock::available).sum();
    Ok(visible.map(|product| product.with_inventory(available)))
}

/// A page of products, newest first.
pub async fn list_products(
    state: &AppState,
    filter: &ProductFilter,
) -> Result<Vec<model::Product>, StoreError> {
    let found = state.products.list(filter).await?;
    let available = state.stock.available(found.iter().map(|product| product.id)).await?;
    let shown = found.into_iter().map(|product| {
        let units = available.get(&product.id).copied().unwrap_or(0);
        product.with_inventory(units)
    });
    Ok(shown.collect())
}
