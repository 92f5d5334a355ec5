//! Where a broken rule of orders meets an HTTP status.

use crate::domain::draft::InvalidDraft;
use crate::domain::moves::MoveError;
use crate::domain::order::{EffectKind, Order};
use crate::workflows::change_order::{ChangeError, Changed};
use crate::workflows::import_orders::ImportError;
use crate::workflows::place_order::PlaceError;
use actix_web::{HttpResponse, ResponseError};
use common::error::{ApiError, Kind};
use common::ids::OrderId;
use common::models::location::LocationId;
use common::models::order::{Rejection, RejectionCode};
use serde_json::json;

pub fn invalid_draft(error: &InvalidDraft) -> ApiError {
    match error {
        InvalidDraft::Missing { field } => {
            ApiError::invalid_field(format!("/{field}"), "missing_field", error)
        }
        InvalidDraft::BesideLines { field } => {
            ApiError::invalid_field(format!("/{field}"), "conflicting_field", error)
        }
        InvalidDraft::BesideAddress { field } => {
            ApiError::invalid_field(format!("/{field}"), "conflicting_field", error)
        }
        InvalidDraft::LineCount { .. } => ApiError::invalid_field("/lines", "invalid_length", error),
        InvalidDraft::DuplicateProduct { line } => {
            ApiError::invalid_field(format!("/lines/{line}/productId"), "duplicate_product", error)
        }
    }
}

/// 503 for an order whose outcome is not known yet: a repeat with the same key finds it, and so does its address.
pub fn unsettled(order_id: OrderId) -> ApiError {
    let detail = "The order is not settled yet. Send the same request with the same Idempotency-Key again; without a \
                  key, read the order by its orderId instead of placing it again.";
    ApiError::new(Kind::Unavailable, detail).code("order_unsettled").with("orderId", order_id.to_string())
}

fn key_reused() -> ApiError {
    ApiError::new(Kind::Unprocessable, "This Idempotency-Key was used for another request.")
        .code("idempotency_key_reused")
}

impl From<PlaceError> for ApiError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::UnknownCustomer => Self::invalid_field("/customerId", "unknown_customer", &error),
            PlaceError::UnknownAddress { field } => {
                Self::invalid_field(format!("/{field}"), "unknown_address", &error)
            }
            PlaceError::InactiveCustomer => {
                Self::new(Kind::Conflict, "The customer is deactivated.").code("customer_inactive")
            }
            PlaceError::TokenRevoked => {
                Self::unauthenticated("The session has ended. Log in.").code("token_revoked")
            }
            PlaceError::KeyReused => key_reused(),
            PlaceError::ExternalIdTaken { order_id } => {
                Self::new(Kind::Conflict, "Another order has this external id.")
                    .code("external_id_taken")
                    .with("orderId", order_id.to_string())
            }
            PlaceError::Busy => Self::overloaded(),
            PlaceError::Unsettled { order_id, .. } => unsettled(order_id).caused_by(error),
            PlaceError::Peer(error) => error.into(),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => Self::not_found("order"),
            ChangeError::VersionMismatch(version) => Self::version_mismatch(version),
            ChangeError::KeyReused => key_reused(),
            ChangeError::Contended => Self::unavailable().code("contended"),
            ChangeError::Unsettled { order_id, .. } => edit_unsettled(order_id).caused_by(error),
            ChangeError::UnknownLocation => Self::invalid_field("/locationId", "unknown_location", &error),
            ChangeError::LocationRefuses { kind, location_id } => refused_there(kind, &location_id),
            ChangeError::Peer(error) => error.into(),
            ChangeError::Move(MoveError::Mismatch(_)) => Self::internal(error),
            ChangeError::Move(error) => refused_move(&error),
            ChangeError::Store(error) => error.into(),
        }
    }
}

/// 409 for a place whose stock does not allow the parcel or the return.
fn refused_there(kind: EffectKind, location_id: &LocationId) -> ApiError {
    let (code, detail) = match kind {
        EffectKind::Shipment => (
            "location_short",
            format!(
                "{location_id} does not have these units free or reserved for the order. Ship from another place, or \
                 without locationId from where they are reserved."
            ),
        ),
        EffectKind::Return | EffectKind::Release => {
            ("location_refuses", format!("{location_id} cannot take these units back."))
        }
    };
    ApiError::new(Kind::Conflict, detail).code(code).with("locationId", location_id.as_str())
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Peer(error) => error.into(),
            ImportError::Unsettled => Self::unavailable().caused_by(error),
            ImportError::Move(_) => Self::internal(error),
        }
    }
}

/// 503 for an edit whose stock is not decided yet.
fn edit_unsettled(order_id: OrderId) -> ApiError {
    let detail = "The edit is recorded and not settled yet. Send the same request with the same Idempotency-Key again; \
                  without a key, read the order's history.";
    ApiError::new(Kind::Unavailable, detail).code("edit_unsettled").with("orderId", order_id.to_string())
}

/// Why the order does not do what was asked: 409 for its state, 422 for what could never be asked of it.
fn refused_move(error: &MoveError) -> ApiError {
    let of_line = |line: &usize, field: &str| format!("/lines/{line}/{field}");
    match error {
        MoveError::Illegal { state, allowed, because } => {
            ApiError::new(Kind::Conflict, format!("The order does not allow this: {because}."))
                .code("illegal_transition")
                .with("state", json!(state))
                .with("allowedMoves", json!(allowed))
        }
        MoveError::NoLines => ApiError::invalid_field("/lines", "invalid_length", error),
        MoveError::DuplicateProduct { line } => {
            ApiError::invalid_field(of_line(line, "productId"), "duplicate_product", error)
        }
        MoveError::UnknownProduct { line } => {
            ApiError::invalid_field(of_line(line, "productId"), "unknown_line", error)
        }
        MoveError::NoUnits { line } => ApiError::invalid_field(format!("/lines/{line}"), "no_units", error),
        MoveError::NothingLeft => ApiError::invalid_field("/lines", "nothing_left", error),
        MoveError::TooMany { line, most } => {
            let detail = format!("/lines/{line} asks for more units than the {most} that there are.");
            ApiError::new(Kind::Conflict, detail)
                .code("too_many_units")
                .with("line", *line)
                .with("available", *most)
        }
        MoveError::NothingToDo => {
            ApiError::new(Kind::Conflict, "The order is like that already.").code("nothing_to_change")
        }
        MoveError::UnknownPart(what) => ApiError::not_found(what),
        MoveError::Full { .. } => {
            ApiError::new(Kind::Conflict, format!("No more: {error}.")).code("limit_reached")
        }
        MoveError::EditPending | MoveError::Mismatch(_) => ApiError::unavailable().code("contended"),
    }
}

/// The answer to an edit that was refused; the order is as it was.
pub fn edit_refused(changed: &Changed) -> HttpResponse {
    refusal(changed.order.id, &changed.change.rejections, "edit_expired", "The edit was not decided in time.")
        .error_response()
}

/// The answer to a request whose order was rejected: 409 where there is not enough stock or the order expired, 422
/// where it could never have been placed as it is.
pub fn rejected(order: &Order) -> ApiError {
    refusal(order.id, &order.rejections, "order_expired", "The order was not decided in time.")
}

fn refusal(
    order_id: OrderId,
    rejections: &[Rejection],
    expired: &'static str,
    in_words: &'static str,
) -> ApiError {
    let codes: Vec<RejectionCode> = rejections.iter().map(|rejection| rejection.code).collect();
    let worst = [
        (RejectionCode::UnknownProduct, Kind::Unprocessable, "unknown_product", "A product does not exist."),
        (
            RejectionCode::ProductNotActive,
            Kind::Unprocessable,
            "product_not_active",
            "A product is not for sale.",
        ),
        (
            RejectionCode::MixedCurrencies,
            Kind::Unprocessable,
            "mixed_currencies",
            "The products are priced in different currencies.",
        ),
        (
            RejectionCode::TotalTooLarge,
            Kind::Unprocessable,
            "total_too_large",
            "The total is larger than this system holds.",
        ),
        (RejectionCode::OutOfStock, Kind::Conflict, "out_of_stock", "There is not enough stock."),
    ];
    let (kind, code, detail) = worst
        .into_iter()
        .find(|(code, ..)| codes.contains(code))
        .map_or((Kind::Conflict, expired, in_words), |(_, kind, code, detail)| (kind, code, detail));
    ApiError::new(kind, detail)
        .code(code)
        .with("orderId", order_id.to_string())
        .with("rejections", json!(rejections))
}
