//! What order-service asks of the stock ledger.

use crate::startup::AppState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::models::ledger::{LedgerAnswer, LedgerBatch, MAX_ENTRIES};

/// One entry alone may have 2,000 lines of about 100 bytes, and a call may have many entries.
const LIMIT: usize = 4 * 1024 * 1024;

pub(super) async fn post_entries(
    state: Data<AppState>,
    Body(LedgerBatch { entries }): Body<LedgerBatch, LIMIT>,
) -> Result<HttpResponse, ApiError> {
    if entries.len() > MAX_ENTRIES {
        let rule = format!("must have at most {MAX_ENTRIES} entries");
        return Err(ApiError::invalid_field("/entries", "too_many", rule));
    }
    let outcomes = run_to_end(async move { state.stock_writer.post_orders(entries).await }).await?;
    Ok(HttpResponse::Ok().json(LedgerAnswer { outcomes }))
}
