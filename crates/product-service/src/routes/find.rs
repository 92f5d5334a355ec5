//! Finding products: lists, searches and what they may be narrowed by.

use super::caching;
use crate::domain::listing::{Position, Sort};
use crate::domain::words::{Search, folded};
use crate::startup::AppState;
use crate::store::product_search::{Listing, ProductFilter};
use crate::workflows::show_products as showing;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::{Caller, OptionalCaller};
use common::context::run_to_end;
use common::error::ApiError;
use common::http::page::{Limit, next_link};
use common::http::query::Query;
use common::ids::ProductId;
use common::models::auth::Scope;
use common::models::category::CategoryPath;
use common::models::product::ProductStatus;
use common::models::product_details::{Brand, ExternalId, Tag};
use common::money::{Amount, Currency, Money};
use common::text::{Sku, Text};
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;

/// `GET /products`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListParameters {
    limit: Option<Limit>,
    /// As it came in `Link`.
    #[schema(value_type = Option<String>)]
    after: Option<Position>,
    /// By relevance where something is looked for, else newest first.
    sort: Option<Sort>,
    q: Option<Text<1, 100>>,
    status: Option<ProductStatus>,
    sku: Option<Sku>,
    external_id: Option<ExternalId>,
    parent_id: Option<ProductId>,
    category: Option<CategoryPath>,
    tag: Option<Tag>,
    brand: Option<Brand>,
    currency: Option<Currency>,
    #[schema(value_type = Option<Amount>)]
    min_price: Option<Price>,
    #[schema(value_type = Option<Amount>)]
    max_price: Option<Price>,
    in_stock: Option<bool>,
}

/// `GET /products/facets`: the filters of the list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FacetParameters {
    q: Option<Text<1, 100>>,
    status: Option<ProductStatus>,
    parent_id: Option<ProductId>,
    category: Option<CategoryPath>,
    tag: Option<Tag>,
    brand: Option<Brand>,
    currency: Option<Currency>,
    #[schema(value_type = Option<Amount>)]
    min_price: Option<Price>,
    #[schema(value_type = Option<Amount>)]
    max_price: Option<Price>,
    in_stock: Option<bool>,
}

/// An amount as it stands in a query.
#[derive(Clone, Copy, Debug)]
struct Price(Amount);

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

pub(super) async fn list_products(
    state: Data<AppState>,
    request: HttpRequest,
    OptionalCaller(caller): OptionalCaller,
    Query(parameters): Query<ListParameters>,
) -> Result<HttpResponse, ApiError> {
    let limit = parameters.limit.unwrap_or_default();
    let listing = parameters.listing(caller.as_ref(), limit)?;
    let (products, next) =
        run_to_end(async move { showing::list_products(&state, &listing).await }).await??;
    let link = next.map(|next| next_link(request.path(), request.query_string(), next));
    caching::answer_list(&request, caller.is_some(), link, &products)
}

pub(super) async fn count_facets(
    state: Data<AppState>,
    request: HttpRequest,
    OptionalCaller(caller): OptionalCaller,
    Query(parameters): Query<FacetParameters>,
) -> Result<HttpResponse, ApiError> {
    let currency = parameters.currency.unwrap_or(Currency::EUR);
    let is_personal = caller.is_some();
    let filter = parameters.filter(caller.as_ref(), currency)?;
    let found = run_to_end(async move { state.facets.facets(&filter, currency).await }).await??;
    caching::answer_list(&request, is_personal, None, &*found)
}

impl ListParameters {
    fn listing(self, caller: Option<&Caller>, limit: Limit) -> Result<Listing, ApiError> {
        let names_one = self.sku.is_some() || self.external_id.is_some();
        let is_priced =
            self.min_price.is_some() || self.max_price.is_some() || self.sort.is_some_and(Sort::is_by_price);
        let facets = FacetParameters {
            q: self.q,
            status: self.status,
            parent_id: self.parent_id,
            category: self.category,
            tag: self.tag,
            brand: self.brand,
            currency: None,
            min_price: self.min_price,
            max_price: self.max_price,
            in_stock: self.in_stock,
        };
        // Amounts of two currencies can neither be compared nor put in order.
        let currency = self.currency.or(is_priced.then_some(Currency::EUR));
        let mut filter = facets.filter(caller, currency.unwrap_or(Currency::EUR))?;
        filter.currency = currency;
        filter.sku = self.sku;
        filter.external_id = self.external_id.map(Text::into_string);
        if names_one && self.status.is_none() {
            filter.status = None;
            filter.hides_drafts = !caller.is_some_and(|caller| caller.holds(Scope::ProductsRead));
        }
        let default = if filter.search.is_some() { Sort::Relevance } else { Sort::Newest };
        let sort = match self.sort.unwrap_or(default) {
            Sort::Relevance if filter.search.is_none() => {
                let rule = "is by what is looked for, and needs q";
                return Err(ApiError::invalid_field("query:sort", "invalid_value", rule));
            }
            sort => sort,
        };
        if self.after.as_ref().is_some_and(|after| after.sort != sort) {
            let rule = "must be a cursor of a list that is sorted in the same way";
            return Err(ApiError::invalid_field("query:after", "invalid_value", rule));
        }
        Ok(Listing { filter, sort, after: self.after, limit: limit.get().into() })
    }
}

impl FacetParameters {
    fn filter(self, caller: Option<&Caller>, currency: Currency) -> Result<ProductFilter, ApiError> {
        let status = self.status.unwrap_or(ProductStatus::Active);
        if status != ProductStatus::Active {
            let reader = caller
                .ok_or_else(|| ApiError::unauthenticated("A valid access token or API key is needed."))?;
            reader.require_scope(Scope::ProductsRead)?;
        }
        let money = |price: Option<Price>, pointer: &str| -> Result<Option<Money>, ApiError> {
            let money = price.map(|price| price.0.to_money(currency)).transpose();
            money.map_err(|rule| ApiError::invalid_field(pointer, "invalid_value", rule))
        };
        let search = self.q.map(|q| Search::parse(&q)).transpose();
        Ok(ProductFilter {
            status: Some(status),
            parent_id: self.parent_id,
            category: self.category,
            tag: self.tag.map(Text::into_string),
            brand: self.brand.map(|brand| folded(&brand)),
            currency: Some(currency),
            min_price: money(self.min_price, "query:minPrice")?,
            max_price: money(self.max_price, "query:maxPrice")?,
            in_stock: self.in_stock,
            search: search.map_err(|rule| ApiError::invalid_field("query:q", "invalid_value", rule))?,
            ..ProductFilter::default()
        })
    }
}
