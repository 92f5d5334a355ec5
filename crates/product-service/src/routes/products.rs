//! The catalogue: creating, reading, listing and changing products.

use crate::startup::AppState;
use crate::store::products::ProductFilter;
use crate::workflows::{change_product as changing, create_product as creating, show_products as showing};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::{Caller, OptionalCaller};
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::origin::Origin;
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::ProductId;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::product::{NewProduct, ProductChange, ProductStatus};
use common::text::Text;
use serde::Deserialize;

/// `GET /products`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListParameters {
    limit: Option<Limit>,
    after: Option<Cursor>,
    /// The beginning of a word of the name, in any case, or a whole sku.
    q: Option<Text<1, 100>>,
    /// Active where it is left out; the others need the scope `products:read`.
    status: Option<ProductStatus>,
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
    response.insert_header(entity_tag(created.product.version));
    if created.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(created.product))
}

pub(super) async fn show_product(
    state: Data<AppState>,
    OptionalCaller(caller): OptionalCaller,
    PathId(id): PathId<ProductId>,
) -> Result<HttpResponse, ApiError> {
    let sees_all = caller.is_some_and(|caller| caller.holds(Scope::ProductsRead));
    let product = run_to_end(async move { showing::show_product(&state, id, sees_all).await })
        .await??
        .ok_or_else(|| ApiError::not_found("product"))?;
    Ok(HttpResponse::Ok().insert_header(entity_tag(product.version)).json(product))
}

pub(super) async fn list_products(
    state: Data<AppState>,
    request: HttpRequest,
    OptionalCaller(caller): OptionalCaller,
    Query(parameters): Query<ListParameters>,
) -> Result<HttpResponse, ApiError> {
    let status = parameters.status.unwrap_or(ProductStatus::Active);
    if status != ProductStatus::Active {
        let reader =
            caller.ok_or_else(|| ApiError::unauthenticated("A valid access token or API key is needed."))?;
        reader.require_scope(Scope::ProductsRead)?;
    }
    let limit = parameters.limit.unwrap_or_default();
    let filter = ProductFilter {
        status,
        search: parameters.q.map(Text::into_string),
        after: parameters.after,
        // One more tells whether there is a next page.
        limit: limit.as_i64() + 1,
    };
    let mut products = run_to_end(async move { showing::list_products(&state, &filter).await }).await??;
    let more = products.len() > usize::from(limit.get());
    products.truncate(limit.get().into());
    let mut response = HttpResponse::Ok();
    if let Some(last) = products.last().filter(|_| more) {
        let end = Cursor { at: last.created_at, id: last.id.uuid() };
        response.insert_header(next_link(request.path(), request.query_string(), end));
    }
    Ok(response.json(products))
}

pub(super) async fn change_product(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<ProductId>,
    IfMatch(expected): IfMatch,
    origin: Origin,
    Body(change): Body<ProductChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let product =
        run_to_end(async move { changing::change_product(&state, id, change, expected, &actor).await })
            .await??;
    Ok(HttpResponse::Ok().insert_header(entity_tag(product.version)).json(product))
}
