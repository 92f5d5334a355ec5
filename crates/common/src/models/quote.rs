//! What an order would come to, without placing it.

use crate::ids::{CustomerId, HoldId, ProductId};
use crate::models::order::{OrderStatus, Rejection, RequestedLine};
use crate::money::{Amount, Currency};
use crate::text::Sku;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /orders?dryRun=true`: what placing would answer at this moment. Nothing is kept for anyone.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderQuote {
    pub customer_id: CustomerId,
    /// `confirmed`, or `rejected` with the reasons.
    pub status: OrderStatus,
    pub lines: Vec<QuotedLine>,
    /// Where all lines are priced in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Sum of the lines, where all of them have a price in one currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Amount>,
    /// What is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
}

/// One product of a quote; without a name and a price where there is no such product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotedLine {
    pub product_id: ProductId,
    pub quantity: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Amount>,
    /// Unit price times quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Amount>,
}

/// `POST /internal/quote` of product-service: what a reservation of these lines would come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockQuestion {
    pub lines: Vec<RequestedLine>,
    /// What was held for the checkout counts as there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockQuote {
    /// Why a reservation would be refused; none: it would stand.
    pub reasons: Vec<Rejection>,
    /// The products that there are, in the order of the lines.
    pub offers: Vec<QuotedOffer>,
}

/// What an order would copy of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotedOffer {
    pub product_id: ProductId,
    pub sku: Sku,
    pub name: String,
    pub unit_price_minor: i64,
    pub currency: Currency,
}
