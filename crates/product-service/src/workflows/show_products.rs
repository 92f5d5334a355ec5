//! Products as clients see them: the catalogue entry with what is available at this moment.

use crate::domain::listing::Position;
use crate::startup::AppState;
use crate::store::product_search::Listing;
use common::ids::ProductId;
use common::models::product as model;
use common::mongo::StoreError;

/// The product, if this reader may see it.
pub async fn show_product(
    state: &AppState,
    id: ProductId,
    sees_all: bool,
) -> Result<Option<model::Product>, StoreError> {
    let shown = state.products.look_up(id).await?;
    let visible = shown.filter(|shown| shown.product.is_visible_to(sees_all));
    Ok(visible.map(|shown| shown.product.clone().with_inventory(shown.available)))
}

/// A page of products, and where the next one begins.
pub async fn list_products(
    state: &AppState,
    listing: &Listing,
) -> Result<(Vec<model::Product>, Option<Position>), StoreError> {
    let page = state.products.list(listing).await?;
    let available = state.stock.available(page.products.iter().map(|product| product.id)).await?;
    let shown = page.products.into_iter().map(|product| {
        let units = available.get(&product.id).copied().unwrap_or(0);
        product.with_inventory(units)
    });
    Ok((shown.collect(), page.next))
}
