//! The catalogue and its stock.

use crate::call::Created;
use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::ProductId;
use common::models::product::{Adjustment, Inventory, NewAdjustment, NewProduct, Product, ProductChange};
use reqwest::Method;
use serde_json::json;

impl Client {
    /// Sets what is available of a product: `PUT /products/{id}/inventory`. Not sent again after an unclear failure:
    /// an order placed in between would be forgotten. Use [`Client::adjust_inventory`] where that matters.
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
