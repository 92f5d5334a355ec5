//! The tree of categories.

use crate::call::Created;
use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::CategoryId;
use common::models::category::{Category, CategoryChange, CategoryPath, NewCategory};
use reqwest::Method;

impl Client {
    /// One page of `GET /categories`, by their paths; the branches of `parent` where it is given.
    pub async fn categories(
        &self,
        parent: Option<&CategoryPath>,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Category>, Error> {
        let call = self.call(Method::GET, &["categories"]).query("parent", parent);
        call.page(limit, after).send().await?.page()
    }

    /// `POST /categories`. `key` names the intention across processes; `None` takes a fresh one.
    pub async fn create_category(
        &self,
        category: &NewCategory,
        key: Option<&str>,
    ) -> Result<Created<Category>, Error> {
        self.call(Method::POST, &["categories"]).key(key).json(category).send().await?.created()
    }

    /// `GET /categories/{id}`
    pub async fn category(&self, id: CategoryId) -> Result<Category, Error> {
        self.call(Method::GET, &["categories", &id.to_string()]).send().await?.decode()
    }

    /// `PATCH /categories/{id}`; 412 where the category is no longer at `version`. Not sent again after an unclear
    /// failure: another change may have come between.
    pub async fn change_category(
        &self,
        id: CategoryId,
        change: &CategoryChange,
        version: Option<i64>,
    ) -> Result<Category, Error> {
        let call = self.call(Method::PATCH, &["categories", &id.to_string()]);
        call.if_match(version).json(change).send().await?.decode()
    }

    /// `DELETE /categories/{id}`: one without branches and products.
    pub async fn delete_category(&self, id: CategoryId) -> Result<(), Error> {
        self.call(Method::DELETE, &["categories", &id.to_string()]).send().await.map(drop)
    }
}
