//! Stock by hand, the ledger as it is read, locations, and holds for checkouts.

use crate::call::Created;
use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::{HoldId, ProductId};
use common::models::inventory::{
    Explanation, Inventory, InventoryChange, LowStock, Movement, NewReceipt, NewTransfer,
};
use common::models::location::{Location, LocationChange, LocationId, NewLocation};
use common::models::product::{Product, SetInventory};
use common::models::reservation::{Hold, HoldExtension, NewHold, TimeToLive};
use reqwest::Method;

impl Client {
    /// `PUT /products/{id}/inventory` with its conditions: at one place, or only where so many are available now (409
    /// `unexpected_quantity`). Not sent again after an unclear failure.
    pub async fn set_inventory(
        &self,
        product_id: ProductId,
        request: &SetInventory,
    ) -> Result<Product, Error> {
        let path = ["products", &product_id.to_string(), "inventory"];
        self.call(Method::PUT, &path).json(request).send().await?.decode()
    }

    /// `PATCH /products/{id}/inventory`: what is announced, and below what the product is low.
    pub async fn configure_inventory(
        &self,
        product_id: ProductId,
        change: &InventoryChange,
    ) -> Result<Inventory, Error> {
        let path = ["products", &product_id.to_string(), "inventory"];
        self.call(Method::PATCH, &path).json(change).repeatable().send().await?.decode()
    }

    /// `POST /products/{id}/inventory/receipts`: units came in.
    pub async fn receive_stock(
        &self,
        product_id: ProductId,
        receipt: &NewReceipt,
        key: Option<&str>,
    ) -> Result<Created<Movement>, Error> {
        let path = ["products", &product_id.to_string(), "inventory", "receipts"];
        self.call(Method::POST, &path).key(key).json(receipt).send().await?.created()
    }

    /// `POST /products/{id}/inventory/transfers`: units went from one place to another.
    pub async fn transfer_stock(
        &self,
        product_id: ProductId,
        transfer: &NewTransfer,
        key: Option<&str>,
    ) -> Result<Created<Movement>, Error> {
        let path = ["products", &product_id.to_string(), "inventory", "transfers"];
        self.call(Method::POST, &path).key(key).json(transfer).send().await?.created()
    }

    /// One page of `GET /products/{id}/inventory/movements`, newest first.
    pub async fn stock_movements(
        &self,
        product_id: ProductId,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Movement>, Error> {
        let path = ["products", &product_id.to_string(), "inventory", "movements"];
        self.call(Method::GET, &path).page(limit, after).send().await?.page()
    }

    /// `GET /products/{id}/inventory/explain`, with the orders that follow `after`.
    pub async fn explain_stock(
        &self,
        product_id: ProductId,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Explanation, Error> {
        let path = ["products", &product_id.to_string(), "inventory", "explain"];
        self.call(Method::GET, &path).page(limit, after).send().await?.decode()
    }

    /// One page of `GET /stock/low`: the products that run out, those that became low last in front.
    pub async fn low_stock(&self, limit: Option<u8>, after: Option<&str>) -> Result<Page<LowStock>, Error> {
        self.call(Method::GET, &["stock", "low"]).page(limit, after).send().await?.page()
    }

    /// `GET /locations`, those that orders take from first in front.
    pub async fn locations(&self) -> Result<Vec<Location>, Error> {
        self.call(Method::GET, &["locations"]).send().await?.decode()
    }

    /// `POST /locations`. Not sent again after an unclear failure: 409 would not tell whose the location is.
    pub async fn create_location(&self, new: &NewLocation) -> Result<Location, Error> {
        self.call(Method::POST, &["locations"]).json(new).send().await?.decode()
    }

    /// `GET /locations/{id}`
    pub async fn location(&self, id: &LocationId) -> Result<Location, Error> {
        self.call(Method::GET, &["locations", id.as_str()]).send().await?.decode()
    }

    /// `PATCH /locations/{id}`
    pub async fn change_location(&self, id: &LocationId, change: &LocationChange) -> Result<Location, Error> {
        self.call(Method::PATCH, &["locations", id.as_str()]).json(change).repeatable().send().await?.decode()
    }

    /// `POST /reservations`: keeps units for a checkout.
    pub async fn hold_stock(&self, new: &NewHold, key: Option<&str>) -> Result<Created<Hold>, Error> {
        self.call(Method::POST, &["reservations"]).key(key).json(new).send().await?.created()
    }

    /// `GET /reservations/{id}`
    pub async fn hold(&self, id: HoldId) -> Result<Hold, Error> {
        self.call(Method::GET, &["reservations", &id.to_string()]).send().await?.decode()
    }

    /// `POST /reservations/{id}/extend`: so long from now, and never shorter than it is.
    pub async fn extend_hold(&self, id: HoldId, ttl_seconds: TimeToLive) -> Result<Hold, Error> {
        let path = ["reservations", &id.to_string(), "extend"];
        self.call(Method::POST, &path)
            .json(&HoldExtension { ttl_seconds })
            .repeatable()
            .send()
            .await?
            .decode()
    }

    /// `DELETE /reservations/{id}`: gives the units back. What has ended already stays as it ended.
    pub async fn release_hold(&self, id: HoldId) -> Result<Hold, Error> {
        let path = ["reservations", &id.to_string()];
        self.call(Method::DELETE, &path).repeatable().send().await?.decode()
    }
}
