//! What is in one place of one product.

use common::ids::ProductId;
use common::models::product::Inventory;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The location that every product has from its first day.
pub const MAIN: &str = "main";

/// `<product id>@<location id>`
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StockId(String);

impl StockId {
    pub fn new(product_id: ProductId, location_id: &str) -> Self {
        Self(format!("{product_id}@{location_id}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row of stock: the sum of its movements. `0 <= reserved <= on_hand` always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    #[serde(rename = "_id")]
    pub id: StockId,
    pub product_id: ProductId,
    pub location_id: String,
    /// Units in the building.
    pub on_hand: i64,
    /// Units promised to orders that are not shipped yet.
    pub reserved: i64,
    /// Raised by every movement that touches the row.
    pub version: i64,
}

impl Stock {
    /// The first row of a new product.
    pub fn opening(product_id: ProductId, on_hand: i64) -> Self {
        Self {
            id: StockId::new(product_id, MAIN),
            product_id,
            location_id: MAIN.to_owned(),
            on_hand,
            reserved: 0,
            version: 1,
        }
    }

    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    pub fn inventory(&self) -> Inventory {
        Inventory {
            product_id: self.product_id,
            on_hand: self.on_hand,
            reserved: self.reserved,
            available: self.available(),
        }
    }
}
