//! The products that run out, with what they are called.

use crate::domain::stock::Stock;
use crate::startup::AppState;
use common::http::page::Cursor;
use common::models::inventory::LowStock;
use common::mongo::StoreError;

/// Those that became low last in front.
pub async fn list_low_stock(
    state: &AppState,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<LowStock>, StoreError> {
    let rows = state.stock.low(after, limit).await?;
    let products = || rows.iter().map(|row| row.product_id);
    let offers = state.products.offers(products().collect()).await?;
    let available = state.stock.available(products()).await?;
    let described = |row: &Stock| {
        let offer = offers.get(&row.product_id)?;
        Some(LowStock {
            product_id: row.product_id,
            sku: offer.sku.clone(),
            name: offer.name.clone(),
            available: available.get(&row.product_id).copied().unwrap_or(0),
            incoming: row.incoming,
            low_stock_threshold: row.low_stock_threshold?,
            since: row.low_since?,
        })
    };
    Ok(rows.iter().filter_map(described).collect())
}
