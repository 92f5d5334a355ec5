//! The catalogue's documents, their queries and indexes.

use super::product_cache::ProductCache;
use super::{ledger, stock};
use crate::domain::ledger::{Offer, Offers};
use crate::domain::movement::Movement;
use crate::domain::product::Product;
use crate::domain::stock::Stock;
use anyhow::Context;
use common::audit::AuditLog;
use common::http::page::Cursor;
use common::ids::ProductId;
use common::models::audit::AuditEvent;
use common::models::product::ProductStatus;
use common::money::{Currency, Money};
use common::mongo::{StoreError, Transaction, commit, durable_transaction, ensure_collection, jitter};
use common::redis::Redis;
use common::text::Sku;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use serde::Deserialize;
use std::time::{Duration, Instant};

const COLLECTION: &str = "products";

/// Longest that a query may run in the database.
const QUERY_LIMIT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Products {
    database: Database,
    products: Collection<Product>,
    cache: ProductCache,
    audit: AuditLog,
}

/// What became of a product that was to be inserted.
#[derive(Debug)]
pub enum Inserted {
    New,
    /// A product with this identity stands already.
    Exists(Box<Product>),
    SkuTaken,
}

/// Which products to list, newest first.
#[derive(Debug)]
pub struct ProductFilter {
    pub status: ProductStatus,
    /// The beginning of a word of the name, in any case, or a whole sku.
    pub search: Option<String>,
    pub after: Option<Cursor>,
    pub limit: i64,
}

impl ProductFilter {
    /// The filter as the database reads it.
    pub fn query(&self) -> Document {
        let mut query = doc! { "status": status_name(self.status) };
        if let Some(after) = self.after {
            let id = ProductId::from_uuid(after.id);
            // Not `$or`: the planner would look for an index for each of its branches and sort what they give.
            query.insert("createdAt", doc! { "$lte": after.at });
            query.insert("$nor", vec![doc! { "createdAt": after.at, "_id": { "$gte": id } }]);
        }
        if let Some(search) = &self.search {
            let word = doc! { "$regex": format!("(^|[ (/-]){}", escaped(search)), "$options": "i" };
            query.insert("$or", vec![doc! { "sku": search }, doc! { "name": word }]);
        }
        query
    }
}

/// The order of every list.
pub fn newest_first() -> Document {
    doc! { "createdAt": -1, "_id": -1 }
}

impl Products {
    pub fn new(database: &Database, redis: Redis) -> Self {
        Self {
            database: database.clone(),
            products: database.collection(COLLECTION),
            cache: ProductCache::new(redis, database.name()),
            audit: AuditLog::new(database),
        }
    }

    /// Creates the collection, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let unique = IndexOptions::builder().unique(true).build();
        let indexes = vec![
            IndexModel::builder().keys(doc! { "sku": 1 }).options(unique).build(),
            IndexModel::builder().keys(doc! { "status": 1, "createdAt": -1, "_id": -1 }).build(),
        ];
        ensure_collection(&self.database, COLLECTION, validator(), indexes).await.context("products")
    }

    /// Whether the database answers now.
    pub async fn is_answering(&self) -> bool {
        common::mongo::is_answering(&self.database).await
    }

    /// A product as the database has it.
    pub async fn find(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        Ok(self.products.find_one(doc! { "_id": id }).await?)
    }

    /// A product as it was at most a minute ago, for showing.
    pub async fn look_up(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        if let Some(kept) = self.cache.get(id).await {
            return Ok(Some(kept));
        }
        let found = self.find(id).await?;
        if let Some(product) = &found {
            self.cache.put(product).await;
        }
        Ok(found)
    }

    /// What orders copy of these products.
    pub async fn offers(&self, ids: Vec<ProductId>) -> Result<Offers, StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stored {
            #[serde(rename = "_id")]
            id: ProductId,
            sku: Sku,
            name: String,
            price_minor: i64,
            currency: Currency,
            status: ProductStatus,
        }
        if ids.is_empty() {
            return Ok(Offers::new());
        }
        let batch = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let ids: Vec<Bson> = ids.into_iter().map(Bson::from).collect();
        let found: Vec<Stored> = self
            .products
            .clone_with_type()
            .find(doc! { "_id": { "$in": ids } })
            .projection(doc! { "sku": 1, "name": 1, "priceMinor": 1, "currency": 1, "status": 1 })
            .batch_size(batch)
            .max_time(QUERY_LIMIT)
            .await?
            .try_collect()
            .await?;
        let offer = |stored: Stored| {
            let price = Money::from_minor(stored.price_minor)
                .map_err(|cause| StoreError::Corrupt(format!("price of product {}: {cause}", stored.id)))?;
            let Stored { id, sku, name, currency, status, .. } = stored;
            Ok((id, Offer { sku, name, price, currency, status }))
        };
        found.into_iter().map(offer).collect()
    }

    pub async fn list(&self, filter: &ProductFilter) -> Result<Vec<Product>, StoreError> {
        let found =
            self.products.find(filter.query()).sort(newest_first()).limit(filter.limit).max_time(QUERY_LIMIT);
        Ok(found.await?.try_collect().await?)
    }

    /// Inserts a product with its row of stock and what was received of it, all or nothing.
    pub async fn insert(
        &self,
        product: &Product,
        stock: &Stock,
        receipt: Option<&Movement>,
        event: &AuditEvent,
        deadline: Instant,
    ) -> Result<Inserted, StoreError> {
        loop {
            let failure = match self.try_insert(product, stock, receipt, event, deadline).await {
                Ok(()) => return Ok(Inserted::New),
                Err(failure) => failure,
            };
            if common::mongo::is_duplicate_key(&failure) {
                if let Some(rival) = self.find_rival(product).await? {
                    return Ok(rival);
                }
                // The rival is not on a majority yet: it may still come to nothing.
            } else if !common::mongo::is_worth_repeating(&failure) {
                return Err(failure.into());
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Unavailable(failure));
            }
            tokio::time::sleep(jitter(Duration::from_millis(10))).await;
        }
    }

    async fn try_insert(
        &self,
        product: &Product,
        stock: &Stock,
        receipt: Option<&Movement>,
        event: &AuditEvent,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut session = self.database.client().start_session().await?;
        session.start_transaction().with_options(durable_transaction()).await?;
        let written = async {
            self.products.insert_one(product).session(&mut session).await?;
            let rows = self.database.collection::<Stock>(stock::COLLECTION);
            rows.insert_one(stock).session(&mut session).await?;
            if let Some(receipt) = receipt {
                let movements = self.database.collection::<Movement>(ledger::COLLECTION);
                movements.insert_one(receipt).session(&mut session).await?;
            }
            self.audit.insert(event, &mut session).await
        }
        .await;
        match written {
            Ok(()) => commit(&mut session, deadline).await,
            Err(failure) => {
                // The server ends a transaction that failed by itself; this only tells it sooner.
                drop(session.abort_transaction().await);
                Err(failure)
            }
        }
    }

    async fn find_rival(&self, product: &Product) -> Result<Option<Inserted>, StoreError> {
        if let Some(same) = self.find(product.id).await? {
            return Ok(Some(Inserted::Exists(Box::new(same))));
        }
        let taken = self.products.find_one(doc! { "sku": product.sku.as_str() }).await?;
        Ok(taken.map(|_| Inserted::SkuTaken))
    }

    /// Writes a product over its version before, with its entry in the audit trail; `false` where another version
    /// stands now.
    pub async fn replace(&self, product: &Product, event: &AuditEvent) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT).await?;
        let is_written = loop {
            let done = self.replace_within(product, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                break done?;
            }
        };
        if is_written {
            self.cache.put(product).await;
        }
        Ok(is_written)
    }

    async fn replace_within(
        &self,
        product: &Product,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        let before = doc! { "_id": product.id, "version": product.version - 1 };
        let written = self.products.replace_one(before, product).session(&mut *session).await?;
        if written.matched_count == 1 {
            self.audit.insert(event, session).await?;
        }
        Ok(written.matched_count == 1)
    }
}

/// Every character that means something to a regular expression, taken literally.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

fn status_name(status: ProductStatus) -> &'static str {
    match status {
        ProductStatus::Draft => "draft",
        ProductStatus::Active => "active",
        ProductStatus::Archived => "archived",
    }
}

fn validator() -> Document {
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "sku", "name", "priceMinor", "currency", "status", "version", "createdAt", "updatedAt"],
            "properties": {
                "_id": { "bsonType": "binData" },
                "sku": { "bsonType": "string", "minLength": 1 },
                "name": { "bsonType": "string", "minLength": 1 },
                "priceMinor": { "bsonType": ["int", "long"], "minimum": 0 },
                "currency": { "bsonType": "string" },
                "status": { "enum": ["draft", "active", "archived"] },
                "version": { "bsonType": ["int", "long"], "minimum": 1 },
                "createdAt": { "bsonType": "date" },
                "updatedAt": { "bsonType": "date" },
            },
        },
    }
}
