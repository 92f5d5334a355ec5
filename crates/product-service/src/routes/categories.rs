//! The tree of categories: read by everyone, kept by staff.

use super::caching;
use crate::startup::AppState;
use crate::workflows::{change_category as changing, create_category as creating};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::{Caller, OptionalCaller};
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::conditional::{IfMatch, entity_tag, representation_tag};
use common::http::idempotency::{OptionalKey, REPLAYED};
use common::http::origin::Origin;
use common::http::page::{Limit, next_link};
use common::http::path::PathId;
use common::http::query::Query;
use common::ids::CategoryId;
use common::models::audit::AuditActor;
use common::models::auth::Scope;
use common::models::category::{Category, CategoryChange, CategoryPath, NewCategory};
use serde::Deserialize;
use utoipa::ToSchema;

/// `GET /categories`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListParameters {
    limit: Option<Limit>,
    /// The path that the page before ended with.
    after: Option<CategoryPath>,
    /// Only the branches of this category.
    parent: Option<CategoryPath>,
}

pub(super) async fn list_categories(
    state: Data<AppState>,
    request: HttpRequest,
    OptionalCaller(caller): OptionalCaller,
    Query(ListParameters { limit, after, parent }): Query<ListParameters>,
) -> Result<HttpResponse, ApiError> {
    let limit = limit.unwrap_or_default();
    let found = run_to_end(async move {
        // One more tells whether there is a next page.
        state.categories.list(parent.as_ref(), after.as_ref(), limit.as_i64() + 1).await
    })
    .await??;
    let mut shown: Vec<Category> = found.into_iter().map(crate::domain::category::Category::shown).collect();
    let more = shown.len() > usize::from(limit.get());
    shown.truncate(limit.get().into());
    let end = shown.last().filter(|_| more).map(|last| last.path.clone());
    let link = end.map(|end| next_link(request.path(), request.query_string(), end));
    caching::answer_list(&request, caller.is_some(), link, &shown)
}

pub(super) async fn create_category(
    state: Data<AppState>,
    caller: Caller,
    OptionalKey(key): OptionalKey,
    origin: Origin,
    Body(new): Body<NewCategory>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let (category, replayed) =
        run_to_end(async move { creating::create_category(&state, new, key, actor).await }).await??;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/categories/{}", category.id)));
    response.insert_header(entity_tag(category.version));
    if replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(category))
}

pub(super) async fn show_category(
    state: Data<AppState>,
    request: HttpRequest,
    OptionalCaller(caller): OptionalCaller,
    PathId(id): PathId<CategoryId>,
) -> Result<HttpResponse, ApiError> {
    let found = run_to_end(async move { state.categories.find(id).await }).await??;
    let category = found.ok_or_else(|| ApiError::not_found("category"))?.shown();
    let tag = representation_tag(category.version, category.branches);
    Ok(caching::answer(&request, caller.is_some(), tag, &category))
}

pub(super) async fn change_category(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<CategoryId>,
    IfMatch(expected): IfMatch,
    origin: Origin,
    Body(change): Body<CategoryChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    let category =
        run_to_end(async move { changing::change_category(&state, id, change, expected, &actor).await })
            .await??;
    Ok(HttpResponse::Ok().insert_header(entity_tag(category.version)).json(category))
}

pub(super) async fn delete_category(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<CategoryId>,
    IfMatch(expected): IfMatch,
    origin: Origin,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::ProductsWrite)?;
    let actor = AuditActor::of(&caller, origin.0);
    run_to_end(async move { changing::delete_category(&state, id, expected, &actor).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}
