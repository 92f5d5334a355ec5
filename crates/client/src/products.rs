//! The catalogue and its stock.

use crate::call::{Call, Created};
use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::ProductId;
use common::models::category::CategoryPath;
use common::models::facets::ProductFacets;
use common::models::inventory::Inventory;
use common::models::product::{Adjustment, NewAdjustment, NewProduct, Product, ProductChange, ProductStatus};
use common::money::{Amount, Currency};
use common::text::Sku;
use reqwest::Method;
use serde_json::{Map, Value, json};

/// Which products are looked for; all that are for sale where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct ProductQuery {
    /// Words of the name, the sku, the brand and the description; the last may be the beginning of one.
    pub q: Option<String>,
    pub status: Option<ProductStatus>,
    pub parent_id: Option<ProductId>,
    /// With its branches.
    pub category: Option<CategoryPath>,
    pub tag: Option<String>,
    pub brand: Option<String>,
    pub currency: Option<Currency>,
    pub min_price: Option<Amount>,
    pub max_price: Option<Amount>,
    pub in_stock: Option<bool>,
    /// `relevance`, `newest`, `price`, `-price`, `name` or `-name`; of lists alone.
    pub sort: Option<String>,
}

impl ProductQuery {
    fn narrow<'a>(&self, call: Call<'a>) -> Call<'a> {
        let status = self.status.map(|status| match status {
            ProductStatus::Draft => "draft",
            ProductStatus::Active => "active",
            ProductStatus::Archived => "archived",
        });
        call.query("q", self.q.as_deref())
            .query("status", status)
            .query("parentId", self.parent_id)
            .query("category", self.category.as_ref())
            .query("tag", self.tag.as_deref())
            .query("brand", self.brand.as_deref())
            .query("currency", self.currency)
            .query("minPrice", self.min_price)
            .query("maxPrice", self.max_price)
            .query("inStock", self.in_stock)
    }
}

impl Client {
    /// Sets what is available of a product: `PUT /products/{id}/inventory`. Not sent again after an unclear failure:
    /// an order placed in between would be forgotten. Use [`Client::adjust_inventory`] where that matters.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
    /// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
    /// # let client = client.build()?;
    /// let lamp = client.product_by_sku(&"ML-LAMP-01".parse()?).await?.ok_or("no such product")?;
    /// let lamp = client.update_product_inventory(lamp.id, 120).await?;
    /// assert_eq!(lamp.inventory, 120);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_product_inventory(
        &self,
        product_id: ProductId,
        quantity: u32,
    ) -> Result<Product, Error> {
        let path = ["products", &product_id.to_string(), "inventory"];
        self.call(Method::PUT, &path).json(&json!({ "quantity": quantity })).send().await?.decode()
    }

    /// `POST /products`. `key` names the intention across processes; `None` takes a fresh one.
    pub async fn create_product(
        &self,
        product: &NewProduct,
        key: Option<&str>,
    ) -> Result<Created<Product>, Error> {
        self.call(Method::POST, &["products"]).key(key).json(product).send().await?.created()
    }

    /// `GET /products/{id}`
    pub async fn product(&self, id: ProductId) -> Result<Product, Error> {
        self.call(Method::GET, &["products", &id.to_string()]).send().await?.decode()
    }

    /// One page of `GET /products`, of those that match `search`; `limit` 1 to 200, 50 where it is `None`.
    pub async fn products(
        &self,
        search: Option<&str>,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Product>, Error> {
        self.call(Method::GET, &["products"]).query("q", search).page(limit, after).send().await?.page()
    }

    /// One page of `GET /products`, of those that `wanted` describes.
    pub async fn find_products(
        &self,
        wanted: &ProductQuery,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Product>, Error> {
        let call = self.call(Method::GET, &["products"]).query("sort", wanted.sort.as_deref());
        wanted.narrow(call).page(limit, after).send().await?.page()
    }

    /// `GET /products/facets`, of those that `wanted` describes.
    pub async fn product_facets(&self, wanted: &ProductQuery) -> Result<ProductFacets, Error> {
        wanted.narrow(self.call(Method::GET, &["products", "facets"])).send().await?.decode()
    }

    /// The product of this sku, through `GET /products`.
    pub async fn product_by_sku(&self, sku: &Sku) -> Result<Option<Product>, Error> {
        let call = self.call(Method::GET, &["products"]).query("sku", Some(sku));
        Ok(call.send().await?.page()?.items.pop())
    }

    /// The product that another system calls so, through `GET /products`.
    pub async fn product_by_external_id(&self, external_id: &str) -> Result<Option<Product>, Error> {
        let call = self.call(Method::GET, &["products"]).query("externalId", Some(external_id));
        Ok(call.send().await?.page()?.items.pop())
    }

    /// `PATCH /products/{id}` with any merge patch (RFC 7396); 412 where the product is no longer at `version`. Not
    /// sent again after an unclear failure.
    pub async fn patch_product(
        &self,
        id: ProductId,
        patch: &Map<String, Value>,
        version: Option<i64>,
    ) -> Result<Product, Error> {
        let call = self.call(Method::PATCH, &["products", &id.to_string()]);
        call.if_match(version).json(patch).send().await?.decode()
    }

    /// `PATCH /products/{id}`; 412 where the product is no longer at `version`. Not sent again after an unclear
    /// failure: another change may have come between.
    pub async fn change_product(
        &self,
        id: ProductId,
        change: &ProductChange,
        version: Option<i64>,
    ) -> Result<Product, Error> {
        let call = self.call(Method::PATCH, &["products", &id.to_string()]);
        call.if_match(version).json(change).send().await?.decode()
    }

    /// `GET /products/{id}/inventory`
    pub async fn inventory(&self, product_id: ProductId) -> Result<Inventory, Error> {
        let path = ["products", &product_id.to_string(), "inventory"];
        self.call(Method::GET, &path).send().await?.decode()
    }

    /// `POST /products/{id}/inventory/adjustments`. `key` names the intention across processes; `None` takes a fresh
    /// one.
    pub async fn adjust_inventory(
        &self,
        product_id: ProductId,
        adjustment: &NewAdjustment,
        key: Option<&str>,
    ) -> Result<Created<Adjustment>, Error> {
        let path = ["products", &product_id.to_string(), "inventory", "adjustments"];
        self.call(Method::POST, &path).key(key).json(adjustment).send().await?.created()
    }
}
