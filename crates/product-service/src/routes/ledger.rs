//! What order-service asks of the stock ledger.

use crate::startup::AppState;
use crate::workflows::forecast_effects as forecasting;
use crate::workflows::quote_order;
use actix_web::HttpResponse;
use actix_web::web::Data;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::models::ledger::{LedgerAnswer, LedgerBatch, LedgerEntry, MAX_ENTRIES};
use common::models::quote::StockQuestion;

/// One entry alone may have 2,000 lines of about 100 bytes, and a call may have many entries.
const LIMIT: usize = 4 * 1024 * 1024;

/// What a reservation would come to.
pub(super) async fn quote_order(
    state: Data<AppState>,
    Body(asked): Body<StockQuestion, LIMIT>,
) -> Result<HttpResponse, ApiError> {
    let quote = run_to_end(async move { quote_order::quote_order(&state, asked).await }).await??;
    Ok(HttpResponse::Ok().json(quote))
}

pub(super) async fn post_entries(
    state: Data<AppState>,
    Body(LedgerBatch { entries }): Body<LedgerBatch, LIMIT>,
) -> Result<HttpResponse, ApiError> {
    check_count(&entries)?;
    let outcomes = run_to_end(async move { state.stock_writer.post_orders(entries).await }).await?;
    Ok(HttpResponse::Ok().json(LedgerAnswer { outcomes }))
}

pub(super) async fn forecast_effects(
    state: Data<AppState>,
    Body(LedgerBatch { entries }): Body<LedgerBatch, LIMIT>,
) -> Result<HttpResponse, ApiError> {
    check_count(&entries)?;
    let forecast = run_to_end(async move { forecasting::forecast_effects(&state, entries).await }).await??;
    Ok(HttpResponse::Ok().json(forecast))
}

fn check_count(entries: &[LedgerEntry]) -> Result<(), ApiError> {
    if entries.len() > MAX_ENTRIES {
        let rule = format!("must have at most {MAX_ENTRIES} entries");
        return Err(ApiError::invalid_field("/entries", "too_many", rule));
    }
    Ok(())
}
