//! Rows of stock, read as they stand; they are written by the ledger alone.

use crate::domain::stock::{MAIN, Stock, StockId};
use anyhow::Context;
use common::ids::ProductId;
use common::mongo::{StoreError, ensure_collection, is_answering};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use std::collections::HashMap;

pub(super) const COLLECTION: &str = "stock";

#[derive(Clone)]
pub struct StockRows {
    database: Database,
    rows: Collection<Stock>,
}

impl StockRows {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), rows: database.collection(COLLECTION) }
    }

    /// Creates the collection, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let one_row_for_each_place = IndexModel::builder()
            .keys(doc! { "productId": 1, "locationId": 1 })
            .options(IndexOptions::builder().unique(true).build())
            .build();
        ensure_collection(&self.database, COLLECTION, validator(), vec![one_row_for_each_place])
            .await
            .context("stock")
    }

    pub async fn is_answering(&self) -> bool {
        is_answering(&self.database).await
    }

    pub async fn find(&self, product_id: ProductId) -> Result<Option<Stock>, StoreError> {
        Ok(self.rows.find_one(doc! { "_id": StockId::new(product_id, MAIN).as_str() }).await?)
    }

    /// What is available of each of these products.
    pub async fn available(
        &self,
        product_ids: impl Iterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, i64>, StoreError> {
        let ids: Vec<String> = product_ids.map(|id| StockId::new(id, MAIN).to_string()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found: Vec<Stock> = self.rows.find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
        Ok(found.into_iter().map(|stock| (stock.product_id, stock.available())).collect())
    }
}

/// The database itself refuses stock that is negative or promised twice.
fn validator() -> Document {
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "productId", "locationId", "onHand", "reserved", "version"],
            "properties": {
                "_id": { "bsonType": "string" },
                "productId": { "bsonType": "binData" },
                "locationId": { "bsonType": "string" },
                "onHand": { "bsonType": ["int", "long"], "minimum": 0 },
                "reserved": { "bsonType": ["int", "long"], "minimum": 0 },
                "version": { "bsonType": ["int", "long"], "minimum": 1 },
            },
        },
        "$expr": { "$lte": ["$reserved", "$onHand"] },
    }
}
