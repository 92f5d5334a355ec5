//! Rows of stock, read as they stand; they are written by the ledger alone.

use crate::domain::stock::Stock;
use anyhow::Context;
use common::http::page::Cursor;
use common::ids::ProductId;
use common::mongo::{StoreError, ensure_collection, is_answering};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use std::collections::HashMap;
use std::time::Duration;

pub(super) const COLLECTION: &str = "stock";

/// Longest that a query may run in the database.
const QUERY_LIMIT: Duration = Duration::from_secs(3);

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
        let low = IndexOptions::builder()
            .partial_filter_expression(doc! { "lowSince": { "$exists": true } })
            .build();
        let low = IndexModel::builder().keys(doc! { "lowSince": -1, "productId": -1 }).options(low).build();
        ensure_collection(&self.database, COLLECTION, validator(), vec![one_row_for_each_place, low])
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

    /// Every row of each of these products.
    pub async fn of_products(
        &self,
        product_ids: impl Iterator<Item = ProductId>,
    ) -> Result<HashMap<ProductId, Vec<Stock>>, StoreError> {
        let ids: Vec<Bson> = product_ids.map(Bson::from).collect();
        let found = self.rows.find(doc! { "productId": { "$in": ids } }).sort(doc! { "locationId": 1 });
        let found: Vec<Stock> = found.max_time(QUERY_LIMIT).await?.try_collect().await?;
        let mut rows: HashMap<ProductId, Vec<Stock>> = HashMap::new();
        for row in found {
            rows.entry(row.product_id).or_default().push(row);
        }
        Ok(rows)
    }

    /// The default rows of products that are low, those that became so last in front.
    pub async fn low(&self, after: Option<Cursor>, limit: i64) -> Result<Vec<Stock>, StoreError> {
        let mut query = doc! { "lowSince": { "$exists": true } };
        if let Some(after) = after {
            let id = ProductId::from_uuid(after.id);
            query.insert("lowSince", doc! { "$exists": true, "$lte": after.at });
            query.insert("$nor", vec![doc! { "lowSince": after.at, "productId": { "$gte": id } }]);
        }
        let found = self.rows.find(query).sort(doc! { "lowSince": -1, "productId": -1 }).limit(limit);
        Ok(found.max_time(QUERY_LIMIT).await?.try_collect().await?)
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
