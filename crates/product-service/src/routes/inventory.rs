//! Stock by hand: reading, setting, correcting, receiving and moving it. Its entity tag is the version of the stock, not
//! the product's.

use crate::domain::entry::StockChanged;
use crate::domain::stock::Stock;
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
use common::models::inventory::{Inventory, InventoryChange, LocationStock, NewReceipt, NewTransfer};
use common::models::product::{MAX_UNITS, NewAdjustment, SetInventory};

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
    Ok(shown(id, &rows))
}

pub(super) async fn set_inventory(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    IfMatch(version): IfMatch,
    origin: Origin,
    Body(request): Body<SetInventory>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let (product, version) =
        run_to_end(async move { changing::set_inventory(&state, id, request, version, actor).await })
            .await??;
    Ok(HttpResponse::Ok().insert_header(entity_tag(version)).json(product))
}

pub(super) async fn configure_inventory(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    IfMatch(version): IfMatch,
    origin: Origin,
    Body(request): Body<InventoryChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let rows =
        run_to_end(async move { changing::configure(&state, id, request, version, actor).await }).await??;
    Ok(shown(id, &rows))
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

pub(super) async fn receive_stock(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    OptionalKey(key): OptionalKey,
    origin: Origin,
    Body(new): Body<NewReceipt>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let changed = run_to_end(async move { changing::receive(&state, id, new, key, actor).await }).await??;
    moved(id, changed)
}

pub(super) async fn transfer_stock(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    OptionalKey(key): OptionalKey,
    origin: Origin,
    Body(new): Body<NewTransfer>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::StockWrite)?;
    if new.from == new.to {
        return Err(ApiError::invalid_field("/to", "invalid_value", "must be another place than `from`"));
    }
    let actor = AuditActor::of(&caller, origin.0);
    let changed = run_to_end(async move { changing::transfer(&state, id, new, key, actor).await }).await??;
    moved(id, changed)
}

/// What came to stand in the ledger.
fn moved(id: ProductId, changed: StockChanged) -> Result<HttpResponse, ApiError> {
    let movement = changed.movement.ok_or_else(ApiError::unavailable)?;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/products/{id}/inventory/movements")));
    if changed.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(movement.shown(id)))
}

fn shown(product_id: ProductId, rows: &[Stock]) -> HttpResponse {
    let sum = |of: fn(&Stock) -> i64| rows.iter().map(of).sum::<i64>();
    let main = rows.iter().find(|row| row.location_id.is_main());
    let at = |row: &Stock| LocationStock {
        location_id: row.location_id.clone(),
        on_hand: row.on_hand,
        reserved: row.reserved,
        available: row.available(),
    };
    let inventory = Inventory {
        product_id,
        on_hand: sum(|row| row.on_hand),
        reserved: sum(|row| row.reserved),
        available: sum(Stock::available),
        backordered: sum(Stock::backordered),
        backorder_limit: sum(|row| row.backorder_limit),
        incoming: sum(|row| row.incoming),
        low_stock_threshold: main.and_then(|row| row.low_stock_threshold),
        is_low: main.is_some_and(|row| row.low_since.is_some()),
        locations: rows.iter().map(at).collect(),
    };
    HttpResponse::Ok().insert_header(entity_tag(sum(|row| row.version))).json(inventory)
}
