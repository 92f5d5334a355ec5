//! What is in one place of one product.

use common::ids::ProductId;
use common::models::location::LocationId;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `<product id>@<location id>`
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StockId(String);

impl StockId {
    pub fn new(product_id: ProductId, location_id: &LocationId) -> Self {
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

/// A row of stock: the sum of its movements. `0 <= on_hand` and `0 <= reserved <= on_hand + backorder_limit` always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    #[serde(rename = "_id")]
    pub id: StockId,
    pub product_id: ProductId,
    pub location_id: LocationId,
    /// Units in the building.
    pub on_hand: i64,
    /// Units promised to orders that are not shipped yet, and to checkouts.
    pub reserved: i64,
    /// Raised by everything that changes the row.
    pub version: i64,
    /// Units that may be promised beyond what is on hand. Of the default location alone, as is all that follows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backorder_limit: i64,
    /// Units that are announced and did not come in yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub incoming: i64,
    /// The product is low where no more than this is available of it, at all places together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock_threshold: Option<i64>,
    /// Since when it is low; staff's list is read by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_since: Option<Timestamp>,
    /// No hold on the product ends before this; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_from: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_zero(units: &i64) -> bool {
    *units == 0
}

impl Stock {
    /// The first row of a new product.
    pub fn opening(product_id: ProductId, on_hand: i64) -> Self {
        Self { on_hand, version: 1, ..Self::empty(product_id, LocationId::main()) }
    }

    /// A place where nothing of the product has been yet.
    pub fn empty(product_id: ProductId, location_id: LocationId) -> Self {
        Self {
            id: StockId::new(product_id, &location_id),
            product_id,
            location_id,
            on_hand: 0,
            reserved: 0,
            version: 0,
            backorder_limit: 0,
            incoming: 0,
            low_stock_threshold: None,
            low_since: None,
            holds_from: None,
        }
    }

    /// Units that are on hand and promised to nobody.
    pub fn available(&self) -> i64 {
        (self.on_hand - self.reserved).max(0)
    }

    /// Units that are promised and not on hand.
    pub fn backordered(&self) -> i64 {
        (self.reserved - self.on_hand).max(0)
    }
}
