//! What a list of products holds, counted by what it may be narrowed by.

use super::category::CategoryPath;
use crate::money::{Amount, Currency};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /products/facets`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductFacets {
    /// Only products in this currency are counted.
    pub currency: Currency,
    /// Products in all.
    pub count: u64,
    /// Each with its branches, most products first; at most 100.
    pub categories: Vec<CategoryCount>,
    /// Most products first; at most 100.
    pub brands: Vec<BrandCount>,
    /// Lowest price first; only bands that hold a product.
    pub prices: Vec<PriceBand>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryCount {
    pub category: CategoryPath,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrandCount {
    pub brand: String,
    pub count: u64,
}

/// Prices from `from` up to, and without, `to`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceBand {
    pub from: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Amount>,
    pub count: u64,
}
