//! Placing orders.

use super::{errors, representation};
use crate::domain::draft::OrderDraft;
use crate::domain::shown;
use crate::metrics;
use crate::startup::AppState;
use crate::workflows::{place_order as placing, quote_order as quoting};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpResponse, ResponseError};
use common::auth::caller::Caller;
use common::context::{self, Interrupted};
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::entity_tag;
use common::http::idempotency::{OptionalKey, REPLAYED, replay};
use common::http::query::Query;
use common::models::auth::Scope;
use common::models::order::{NewOrder, OrderStatus};
use serde::Deserialize;
use utoipa::ToSchema;

/// Bytes of an order's body: 2,000 lines of about 100 bytes.
const ORDER_LIMIT: usize = 256 * 1024;

/// Parameters of `POST /orders`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceParameters {
    /// Answer what would happen, and do nothing.
    dry_run: Option<bool>,
}

/// `POST /orders`
pub async fn place_order(
    state: Data<AppState>,
    caller: Caller,
    Query(parameters): Query<PlaceParameters>,
    OptionalKey(key): OptionalKey,
    Body(body): Body<NewOrder, ORDER_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    let draft = OrderDraft::parse(body).map_err(|error| errors::invalid_draft(&error))?;
    if !caller.may_act_for(draft.customer_id(), Scope::OrdersWrite) {
        return Err(caller.forbidden(Scope::OrdersWrite));
    }
    if parameters.dry_run.unwrap_or_default() {
        return quote_order(state, caller, draft).await;
    }
    let id = placing::identify(&draft, key.as_ref());
    let hand = representation::hand(&caller);
    let placed = context::run_to_end(async move {
        metrics::placed(placing::place_order(&state, &caller, draft, id).await)
    })
    .await;
    let placed = placed.map_err(|interrupted| match interrupted {
        Interrupted::TimedOut => errors::unsettled(id).caused_by(interrupted),
        Interrupted::Failed(_) => interrupted.into(),
    })??;
    if placed.order.status == OrderStatus::Rejected {
        let refusal = errors::rejected(&placed.order).error_response();
        return Ok(if placed.replayed { replay(refusal) } else { refusal });
    }
    let mut response = HttpResponse::Created();
    response
        .insert_header((header::LOCATION, format!("/orders/{}", placed.order.id)))
        .insert_header(entity_tag(placed.order.version));
    if placed.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(shown::order(&placed.order, hand)))
}

/// What placing would answer at this moment.
async fn quote_order(
    state: Data<AppState>,
    caller: Caller,
    draft: OrderDraft,
) -> Result<HttpResponse, ApiError> {
    let (customer_id, lines) = (draft.customer_id(), draft.lines().to_vec());
    let quote =
        context::run_to_end(async move { quoting::quote_order(&state, &caller, draft).await }).await??;
    Ok(HttpResponse::Ok().json(representation::quote(customer_id, &lines, quote)))
}
