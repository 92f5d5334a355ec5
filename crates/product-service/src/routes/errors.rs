//! The only place where a broken rule meets an HTTP status.

use crate::domain::entry::{HoldRefused, StockRefused};
use crate::domain::product::InvalidProduct;
use crate::store::product_facets::FacetsError;
use crate::store::product_writes::Taken;
use crate::workflows::change_category::ChangeCategoryError;
use crate::workflows::change_product::ChangeProductError;
use crate::workflows::change_stock::ChangeStockError;
use crate::workflows::create_category::CreateCategoryError;
use crate::workflows::create_product::CreateProductError;
use crate::workflows::hold_stock::HoldError;
use crate::workflows::keep_locations::LocationError;
use common::error::{ApiError, Kind};
use common::models::location::MAX_LOCATIONS;
use common::models::product::MAX_UNITS;
use common::models::reservation::MAX_HOLD_LIFE_S;

fn unknown_category() -> ApiError {
    ApiError::invalid_field("/category", "unknown_category", "must be the path of a category that is there")
}

impl From<InvalidProduct> for ApiError {
    fn from(invalid: InvalidProduct) -> Self {
        Self::invalid_field(format!("/{}", invalid.field()), "invalid_value", invalid.rule())
    }
}

impl From<Taken> for ApiError {
    fn from(taken: Taken) -> Self {
        let (code, detail) = match taken {
            Taken::Sku => ("sku_taken", "Another product has this sku."),
            Taken::ExternalId => ("external_id_taken", "Another product has this external id."),
            Taken::Options => ("options_taken", "Another variant of this product has these options."),
        };
        Self::new(Kind::Conflict, detail).code(code)
    }
}

impl From<FacetsError> for ApiError {
    fn from(error: FacetsError) -> Self {
        match error {
            FacetsError::Busy => Self::overloaded(),
            FacetsError::Store(cause) => cause.into(),
        }
    }
}

impl From<CreateCategoryError> for ApiError {
    fn from(error: CreateCategoryError) -> Self {
        match error {
            CreateCategoryError::PathTaken => {
                Self::new(Kind::Conflict, "Another category stands at this path.").code("path_taken")
            }
            CreateCategoryError::NoParent => {
                let rule = "must be a root, or a branch of a category that is there";
                Self::invalid_field("/path", "unknown_category", rule)
            }
            CreateCategoryError::KeyReused => key_reused(),
            CreateCategoryError::Store(cause) => cause.into(),
        }
    }
}

impl From<ChangeCategoryError> for ApiError {
    fn from(error: ChangeCategoryError) -> Self {
        match error {
            ChangeCategoryError::NotFound => Self::not_found("category"),
            ChangeCategoryError::Stale { version } => Self::version_mismatch(version),
            ChangeCategoryError::HasBranches => {
                Self::new(Kind::Conflict, "The category has branches; delete them first.")
                    .code("has_branches")
            }
            ChangeCategoryError::HasProducts => {
                let detail = "Products stand in this category or its branches; move them first.";
                Self::new(Kind::Conflict, detail).code("has_products")
            }
            ChangeCategoryError::Contended => Self::unavailable().caused_by(error),
            ChangeCategoryError::Store(cause) => cause.into(),
        }
    }
}

fn key_reused() -> ApiError {
    ApiError::new(Kind::Unprocessable, "This Idempotency-Key was used for another request.")
        .code("idempotency_key_reused")
}

impl From<CreateProductError> for ApiError {
    fn from(error: CreateProductError) -> Self {
        match error {
            CreateProductError::Invalid(invalid) => invalid.into(),
            CreateProductError::UnknownCategory => unknown_category(),
            CreateProductError::UnknownParent => {
                Self::invalid_field("/parentId", "unknown_product", "must be a product that is there")
            }
            CreateProductError::ParentIsVariant => {
                let rule = "must not be a variant itself";
                Self::invalid_field("/parentId", "parent_is_variant", rule)
            }
            CreateProductError::Taken(taken) => taken.into(),
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
            ChangeProductError::Field(field) => Self::invalid(vec![field]),
            ChangeProductError::Invalid(invalid) => invalid.into(),
            ChangeProductError::UnknownCategory => unknown_category(),
            ChangeProductError::Taken(taken) => taken.into(),
            ChangeProductError::Stock(refused) => refused.into(),
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

impl From<LocationError> for ApiError {
    fn from(error: LocationError) -> Self {
        match error {
            LocationError::NotFound => Self::not_found("location"),
            LocationError::Taken => {
                Self::new(Kind::Conflict, "There is a location of this id.").code("location_taken")
            }
            LocationError::TooMany => {
                Self::new(Kind::Conflict, format!("There can be {MAX_LOCATIONS} locations."))
                    .code("too_many_locations")
            }
            LocationError::Stale { version } => Self::version_mismatch(version),
            LocationError::Contended => Self::unavailable().caused_by(error),
            LocationError::Store(cause) => cause.into(),
        }
    }
}

impl From<HoldError> for ApiError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Refused(refused) => refused.into(),
            HoldError::TooMany => Self::new(
                Kind::Conflict,
                "You hold units for too many checkouts already. Give one back first.",
            )
            .code("too_many_holds"),
            HoldError::Store(cause) => cause.into(),
        }
    }
}

impl From<HoldRefused> for ApiError {
    fn from(refused: HoldRefused) -> Self {
        match refused {
            HoldRefused::NotToBeHad { reasons } => {
                let reasons = serde_json::to_value(reasons).unwrap_or_default();
                Self::new(Kind::Conflict, "The units cannot be had.")
                    .code("out_of_stock")
                    .with("rejections", reasons)
            }
            HoldRefused::Unknown => Self::not_found("reservation"),
            HoldRefused::Over { status } => {
                let status = serde_json::to_value(status).unwrap_or_default();
                Self::new(Kind::Conflict, "The reservation is over.").code("hold_over").with("status", status)
            }
            HoldRefused::TooLong => {
                let hours = MAX_HOLD_LIFE_S / 3600;
                Self::new(
                    Kind::Conflict,
                    format!("A reservation lasts {hours} hours at most, however often it is extended."),
                )
                .code("hold_too_long")
            }
            HoldRefused::KeyReused => key_reused(),
            HoldRefused::Unavailable => Self::unavailable().caused_by(refused),
        }
    }
}
