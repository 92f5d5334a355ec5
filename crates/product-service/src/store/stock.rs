//! Rows of stock, read as they stand; they are written by the ledger alone.

use crate::domain::stock::Stock;
use anyhow::Context;
use common::ids::ProductId;
use common::mongo::{StoreError, ensure_collection, is_answering};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
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

    /// Every row of a product; none where there is no such product.
    pub async fn of_product(&self, product_id: ProductId) -> Result<Vec<Stock>, StoreError> {
        let rows = self.rows.find(doc! { "productId": product_id }).sort(doc! { "locationId": 1 });
        Ok(rows.await?.try_collect().await?)
    }

    /// What is available of each of these products.
    pub async fn available(
        &self,
        product_ids: impl Iterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, i64>, StoreError> {
        let ids: Vec<Bson> = product_ids.map(Bson::from).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found: Vec<Stock> =
            self.rows.find(doc! { "productId": { "$in": ids } }).await?.try_collect().await?;
        let mut available = HashMap::with_capacity(found.len());
        for row in found {
            *available.entry(row.product_id).or_default() += row.available();
        }
        Ok(available)
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
                "backorderLimit": { "bsonType": ["int", "long"], "minimum": 0 },
                "incoming": { "bsonType": ["int", "long"], "minimum": 0 },
                "lowStockThreshold": { "bsonType": ["int", "long"], "minimum": 0 },
                "lowSince": { "bsonType": "date" },
            },
        },
        "$expr": { "$lte": [
            "$reserved",
            { "$add": ["$onHand", { "$ifNull": ["$backorderLimit", 0] }] },
        ] },
    }
}
