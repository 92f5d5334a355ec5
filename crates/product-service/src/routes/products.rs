//! The catalogue: creating, reading and changing products.

use super::caching;
use crate::startup::AppState;
use crate::workflows::{change_product as changing, create_product as creating, show_products as showing};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::{Caller, OptionalCaller};
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, representation_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::origin::Origin;
use common::http::path::PathId;
use common::ids::ProductId;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::product::{NewProduct, Product, ProductPatch};

/// A product as it is shown: its version, and what is available of it without raising the version.
fn tag(product: &Product) -> String {
    representation_tag(product.version, product.inventory)
}

pub(super) async fn create_product(
    state: Data<AppState>,
    caller: Caller,
    OptionalKey(key): OptionalKey,
    origin: Origin,
    Body(new): Body<NewProduct>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let created =
        run_to_end(async move { creating::create_product(&state, new, key, actor).await }).await??;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/products/{}", created.product.id)));
    response.insert_header((header::ETAG, tag(&created.product)));
    if created.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(created.product))
}

pub(super) async fn show_product(
    state: Data<AppState>,
    request: HttpRequest,
    OptionalCaller(caller): OptionalCaller,
    PathId(id): PathId<ProductId>,
) -> Result<HttpResponse, ApiError> {
    let sees_all = caller.as_ref().is_some_and(|caller| caller.holds(Scope::ProductsRead));
    let product = run_to_end(async move { showing::show_product(&state, id, sees_all).await })
        .await??
        .ok_or_else(|| ApiError::not_found("product"))?;
    Ok(caching::answer(&request, caller.is_some(), tag(&product), &product))
}

pub(super) async fn change_product(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    IfMatch(expected): IfMatch,
    origin: Origin,
    Body(ProductPatch(patch)): Body<ProductPatch>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let product =
        run_to_end(async move { changing::change_product(&state, id, patch, expected, &actor).await })
            .await??;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag(&product))).json(product))
}
