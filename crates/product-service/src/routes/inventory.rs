//! Stock by hand: reading, setting and correcting it. Its entity tag is the version of the stock, not the product's.

use crate::domain::entry::Expected;
use crate::startup::AppState;
use crate::workflows::change_stock as changing;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::origin::Origin;
use common::http::path::PathId;
use common::ids::ProductId;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::product::{Inventory, MAX_UNITS, NewAdjustment, SetInventory};

pub(super) async fn show_inventory(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockRead)?;
    let rows = run_to_end(async move { state.stock.of_product(id).await }).await??;
    if rows.is_empty() {
        return Err(ApiError::not_found("product"));
    }
    let (on_hand, reserved) =
        (rows.iter().map(|row| row.on_hand).sum(), rows.iter().map(|row| row.reserved).sum());
    let available = rows.iter().map(|row| row.available()).sum();
    let inventory = Inventory { product_id: id, on_hand, reserved, available };
    let version = rows.iter().map(|row| row.version).sum();
    Ok(HttpResponse::Ok().insert_header(entity_tag(version)).json(inventory))
}

pub(super) async fn set_inventory(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    IfMatch(version): IfMatch,
    origin: Origin,
    Body(SetInventory { quantity }): Body<SetInventory>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let expected = Expected { version, available: None };
    let (product, version) =
        run_to_end(async move { changing::set_inventory(&state, id, quantity, expected, actor).await })
            .await??;
    Ok(HttpResponse::Ok().insert_header(entity_tag(version)).json(product))
}

pub(super) async fn adjust_inventory(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    OptionalKey(key): OptionalKey,
    origin: Origin,
    Body(new): Body<NewAdjustment>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    if !(1..=u64::from(MAX_UNITS)).contains(&new.delta.unsigned_abs()) {
        let rule = format!("must be a whole number from -{MAX_UNITS} to {MAX_UNITS}, and not 0");
        return Err(ApiError::invalid_field("/delta", "invalid_value", rule));
    }
    let actor = AuditActor::of(&caller, origin.0);
    let (adjustment, replayed) =
        run_to_end(async move { changing::adjust_inventory(&state, id, new, key, actor).await }).await??;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/products/{id}/inventory")));
    if replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(adjustment))
}
