//! What order-service asks about products besides their stock.

use crate::startup::AppState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::models::lookup::{MAX_NAMES, ProductsFound, ProductsWanted};

/// Bytes of a question after many products: a sku has up to 64.
const WANTED_LIMIT: usize = 256 * 1024;

/// Many products at once, for the rows of a file.
pub(super) async fn find_products(
    state: Data<AppState>,
    Body(wanted): Body<ProductsWanted, WANTED_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    if wanted.ids.len() + wanted.skus.len() > MAX_NAMES {
        let rule = format!("must have at most {MAX_NAMES} entries with skus");
        return Err(ApiError::invalid_field("/ids", "too_many", rule));
    }
    let products = run_to_end(async move { state.products.find_named(&wanted).await }).await??;
    Ok(HttpResponse::Ok().json(ProductsFound { products }))
}
