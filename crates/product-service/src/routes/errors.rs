//! The only place where a broken rule meets an HTTP status.

use crate::domain::entry::StockRefused;
use crate::workflows::change_product::ChangeProductError;
use crate::workflows::change_stock::ChangeStockError;
use crate::workflows::create_product::CreateProductError;
use common::error::{ApiError, Kind};
use common::models::product::MAX_UNITS;
use common::money::InvalidMoney;

fn invalid_price(rule: &InvalidMoney) -> ApiError {
    ApiError::invalid_field("/price", "invalid_value", rule)
}

fn key_reused() -> ApiError {
    ApiError::new(Kind::Unprocessable, "This Idempotency-Key was used for another request.")
        .code("idempotency_key_reused")
}

impl From<CreateProductError> for ApiError {
    fn from(error: CreateProductError) -> Self {
        match error {
            CreateProductError::Price(rule) => invalid_price(&rule),
            CreateProductError::SkuTaken => {
                Self::new(Kind::Conflict, "Another product has this sku.").code("sku_taken")
            }
            CreateProductError::KeyReused => key_reused(),
            CreateProductError::Store(cause) => cause.into(),
        }
    }
}

impl From<ChangeProductError> for ApiError {
    fn from(error: ChangeProductError) -> Self {
        match error {
            ChangeProductError::NotFound => Self::not_found("product"),
            ChangeProductError::Stale { version } => Self::version_mismatch(version),
            ChangeProductError::Price(rule) => invalid_price(&rule),
            ChangeProductError::Contended => Self::unavailable().caused_by(error),
            ChangeProductError::Store(cause) => cause.into(),
        }
    }
}

impl From<ChangeStockError> for ApiError {
    fn from(error: ChangeStockError) -> Self {
        match error {
            ChangeStockError::Refused(refused) => refused.into(),
            ChangeStockError::Store(cause) => cause.into(),
        }
    }
}

impl From<StockRefused> for ApiError {
    fn from(refused: StockRefused) -> Self {
        match refused {
            StockRefused::UnknownProduct => Self::not_found("product"),
            StockRefused::Stale { version } => Self::version_mismatch(version),
            StockRefused::BelowReserved { on_hand, reserved } => Self::new(
                Kind::Conflict,
                format!(
                    "{on_hand} units are on hand and {reserved} of them are promised to orders: less cannot be on hand."
                ),
            )
            .code("below_reserved")
            .with("onHand", on_hand)
            .with("reserved", reserved),
            StockRefused::UnknownLocation(location_id) => {
                Self::invalid_field("/locationId", "unknown_location", format!("{location_id} is no location"))
            }
            StockRefused::Unexpected { available } => {
                Self::new(Kind::Conflict, format!("{available} units are available. Read it again."))
                    .code("unexpected_quantity")
                    .with("available", available)
            }
            StockRefused::BelowBackordered { backordered } => Self::new(
                Kind::Conflict,
                format!("{backordered} units are promised beyond what is on hand: the limit cannot be lower."),
            )
            .code("below_backordered")
            .with("backordered", backordered),
            StockRefused::TooManyUnits => {
                Self::new(Kind::Conflict, format!("At most {MAX_UNITS} units can be on hand."))
                    .code("too_many_units")
            }
            StockRefused::KeyReused => key_reused(),
            StockRefused::Unavailable => Self::unavailable().caused_by(refused),
        }
    }
}
