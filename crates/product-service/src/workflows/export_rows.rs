//! The catalogue and the stock as rows of a file, a page at a time.

use crate::domain::product::Product;
use crate::domain::stock::Stock;
use crate::startup::AppState;
use common::ids::ProductId;
use common::models::bulk::FileFormat;
use common::mongo::StoreError;
use common::rows;
use serde_json::{Map, Value, json};

/// Columns of a file of products; all of them can be imported.
pub const PRODUCT_COLUMNS: &[&str] = &[
    "sku",
    "name",
    "description",
    "price",
    "currency",
    "status",
    "inventory",
    "parentId",
    "options",
    "brand",
    "category",
    "tags",
    "attributes",
    "images",
    "weightGrams",
    "dimensions",
    "taxClass",
    "backorder",
    "externalId",
    "metadata",
];

/// Columns of a file of stock; all of them can be imported.
pub const STOCK_COLUMNS: &[&str] =
    &["sku", "externalId", "locationId", "quantity", "lowStockThreshold", "incoming"];

/// Products of one page.
const PAGE: i64 = 500;

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    Start,
    After(ProductId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    Products,
    Stock,
}

impl Export {
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Products => PRODUCT_COLUMNS,
            Self::Stock => STOCK_COLUMNS,
        }
    }
}

/// The next piece of the file, and where it goes on; `None` after the last.
pub async fn export_page(
    state: &AppState,
    export: Export,
    format: FileFormat,
    position: Position,
) -> Result<(String, Option<Position>), StoreError> {
    let after = match position {
        Position::Start => None,
        Position::After(id) => Some(id),
    };
    let products = state.products.page_by_id(after, PAGE).await?;
    let next = products.last().map(|last| Position::After(last.id));
    let mut text = String::new();
    if position == Position::Start && format == FileFormat::Csv {
        text.push_str(&rows::heading(export.columns()));
    }
    let stock = state.stock.of_products(products.iter().map(|product| product.id)).await?;
    for product in products {
        let of_it = stock.get(&product.id).map(Vec::as_slice).unwrap_or_default();
        for members in members(export, product, of_it)? {
            text.push_str(&rows::line(format, export.columns(), &members));
        }
    }
    Ok((text, next))
}

fn members(export: Export, product: Product, stock: &[Stock]) -> Result<Vec<Map<String, Value>>, StoreError> {
    let corrupt = |cause: serde_json::Error| StoreError::Corrupt(format!("product {}: {cause}", product.id));
    match export {
        Export::Products => {
            let Value::Object(mut members) = serde_json::to_value(product.request()).map_err(corrupt)? else {
                return Ok(Vec::new());
            };
            members.insert("inventory".to_owned(), stock.iter().map(Stock::available).sum::<i64>().into());
            Ok(vec![members])
        }
        Export::Stock => Ok(stock
            .iter()
            .map(|row| {
                let mut members = Map::new();
                members.insert("sku".to_owned(), json!(product.sku));
                if let Some(external_id) = &product.details.external_id {
                    members.insert("externalId".to_owned(), json!(external_id));
                }
                members.insert("locationId".to_owned(), json!(row.location_id));
                members.insert("quantity".to_owned(), row.available().into());
                if let Some(threshold) = row.low_stock_threshold {
                    members.insert("lowStockThreshold".to_owned(), threshold.into());
                }
                if row.incoming > 0 {
                    members.insert("incoming".to_owned(), row.incoming.into());
                }
                members
            })
            .collect()),
    }
}
