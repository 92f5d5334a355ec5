//! The catalogue's documents: reading and listing products.

use super::flights::Flights;
use super::product_cache::{ProductCache, Shown};
use super::product_document::{derived, validator};
use super::product_search::{self, Listing, order};
use super::stock;
use crate::domain::ledger::{Offer, Offers};
use crate::domain::listing::Position;
use crate::domain::product::Product;
use crate::domain::stock::Stock;
use anyhow::Context;
use common::audit::AuditLog;
use common::ids::ProductId;
use common::models::product::ProductStatus;
use common::models::product_details::ExternalId;
use common::money::{Currency, Money};
use common::mongo::{StoreError, ensure_collection};
use common::redis::Redis;
use common::text::Sku;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReadConcern;
use mongodb::{Collection, Database};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub(super) const COLLECTION: &str = "products";

/// Longest that a query may run in the database.
pub(super) const QUERY_LIMIT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Products {
    pub(super) database: Database,
    products: Collection<Product>,
    pub(super) documents: Collection<Document>,
    cache: ProductCache,
    readings: Flights<ProductId, Result<Option<Arc<Shown>>, StoreError>>,
    pub(super) audit: AuditLog,
}

/// A page of a list.
#[derive(Debug)]
pub struct ProductPage {
    pub products: Vec<Product>,
    pub next: Option<Position>,
}

impl Products {
    pub fn new(database: &Database, redis: Redis) -> Self {
        Self {
            database: database.clone(),
            products: database.collection(COLLECTION),
            documents: database.collection(COLLECTION),
            cache: ProductCache::new(redis, database.name()),
            readings: Flights::default(),
            audit: AuditLog::new(database),
        }
    }

    /// Creates the collection, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let indexes = product_search::indexes();
        ensure_collection(&self.database, COLLECTION, validator(), indexes).await.context("products")
    }

    /// Whether the database answers now.
    pub async fn is_answering(&self) -> bool {
        common::mongo::is_answering(&self.database).await
    }

    /// A product as the database has it.
    pub async fn find(&self, id: ProductId) -> Result<Option<Product>, StoreError> {
        self.find_by(doc! { "_id": id }).await
    }

    pub(super) async fn find_by(&self, query: Document) -> Result<Option<Product>, StoreError> {
        Ok(self.products.find_one(query).projection(derived()).max_time(QUERY_LIMIT).await?)
    }

    /// The products of these skus, in no order.
    pub async fn of_skus(&self, skus: &[Sku]) -> Result<Vec<Product>, StoreError> {
        let skus: Vec<&str> = skus.iter().map(Sku::as_str).collect();
        self.find_all(doc! { "sku": { "$in": skus } }).await
    }

    /// The products that another system calls so, in no order.
    pub async fn of_external_ids(&self, ids: &[ExternalId]) -> Result<Vec<Product>, StoreError> {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        self.find_all(doc! { "details.externalId": { "$in": ids } }).await
    }

    async fn find_all(&self, query: Document) -> Result<Vec<Product>, StoreError> {
        let found = self.products.find(query).projection(derived()).max_time(QUERY_LIMIT);
        Ok(found.await?.try_collect().await?)
    }

    /// A product with what is available of it, for showing: from the cache, or by one reading for all who ask for it
    /// at the same time.
    pub async fn look_up(&self, id: ProductId) -> Result<Option<Arc<Shown>>, StoreError> {
        let read = || {
            let products = self.clone();
            async move { products.read_through(id).await }
        };
        let read = self.readings.join(&id, read).await;
        read.unwrap_or_else(|| Err(StoreError::Corrupt("a reading of a product died".to_owned())))
    }

    /// What is not there is not kept: nothing may hide a product from the moment it is created, and an identity that
    /// nobody has costs one look at an index.
    async fn read_through(&self, id: ProductId) -> Result<Option<Arc<Shown>>, StoreError> {
        let kept = self.cache.get(id).await;
        if let Some(shown) = kept.shown {
            return Ok(Some(Arc::new(shown)));
        }
        let Some(shown) = self.read_shown(id).await?.map(Arc::new) else { return Ok(None) };
        if let Some(generation) = kept.generation {
            let (cache, shown) = (self.cache.clone(), shown.clone());
            common::context::spawn(async move { cache.put(&generation, &shown).await });
        }
        Ok(Some(shown))
    }

    /// The product and its rows of stock in one reading.
    async fn read_shown(&self, id: ProductId) -> Result<Option<Shown>, StoreError> {
        #[derive(Deserialize)]
        struct Row {
            product: Product,
            stock: Vec<Stock>,
        }
        let pipeline = [
            doc! { "$match": { "_id": id } },
            doc! { "$project": derived() },
            doc! { "$project": { "product": "$$ROOT" } },
            doc! { "$lookup": {
                "from": stock::COLLECTION, "localField": "product._id", "foreignField": "productId", "as": "stock",
            } },
        ];
        let found = self.products.aggregate(pipeline).with_type::<Row>().max_time(QUERY_LIMIT);
        let row = found.await?.try_next().await?;
        Ok(row.map(|row| Shown {
            available: row.stock.iter().map(Stock::available).sum(),
            product: row.product,
        }))
    }

    /// To be called after every change of a product or its stock, before it is answered: nobody is shown what was
    /// before it.
    pub async fn forget(&self, ids: &[ProductId]) {
        for id in ids {
            self.readings.forget(id);
        }
        self.cache.forget(ids).await;
    }

    /// What orders copy of these products.
    pub async fn offers(&self, ids: BTreeSet<ProductId>) -> Result<Offers, StoreError> {
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
            #[serde(default)]
            has_variants: bool,
        }
        if ids.is_empty() {
            return Ok(Offers::new());
        }
        let asked = ids.len();
        // One more than there can be: an answer that is full would be asked for its end.
        let batch = u32::try_from(asked).unwrap_or(u32::MAX).saturating_add(1);
        let ids: Vec<Bson> = ids.into_iter().map(Bson::from).collect();
        let products = self.products.clone_with_type::<Stored>();
        let read = async |concern: ReadConcern| {
            let fields =
                doc! { "sku": 1, "name": 1, "priceMinor": 1, "currency": 1, "status": 1, "hasVariants": 1 };
            let found =
                products.find(doc! { "_id": { "$in": &ids } }).projection(fields).read_concern(concern);
            let found = found.batch_size(batch).max_time(QUERY_LIMIT).await?;
            found.try_collect::<Vec<_>>().await
        };
        let mut found = read(ReadConcern::majority()).await?;
        if found.len() < asked {
            // An order is refused for ever: not for a product that a young primary does not know yet.
            found = read(ReadConcern::linearizable()).await?;
        }
        let offer = |stored: Stored| {
            let price = Money::from_minor(stored.price_minor)
                .map_err(|cause| StoreError::Corrupt(format!("price of product {}: {cause}", stored.id)))?;
            let Stored { id, sku, name, currency, status, has_variants, .. } = stored;
            // Its variants are sold in its place.
            let status = if has_variants { ProductStatus::Archived } else { status };
            Ok((id, Offer { sku, name, price, currency, status }))
        };
        found.into_iter().map(offer).collect()
    }

    pub async fn list(&self, listing: &Listing) -> Result<ProductPage, StoreError> {
        let (mut products, mut next): (Vec<Product>, _) = (Vec::with_capacity(listing.limit), None);
        if listing.filter.search.as_ref().is_some_and(crate::domain::words::Search::is_empty) {
            return Ok(ProductPage { products, next });
        }
        for part in listing.parts() {
            // One more tells whether there is a next page.
            let missing = listing.limit + 1 - products.len();
            let found = self.products.find(part.query).sort(order(listing.sort)).projection(derived());
            let limit = i64::try_from(missing).unwrap_or(i64::MAX);
            let found: Vec<Product> = found.limit(limit).max_time(QUERY_LIMIT).await?.try_collect().await?;
            for product in found {
                if products.len() == listing.limit {
                    return Ok(ProductPage { products, next });
                }
                next = Some(Position::after(&product, listing.sort, part.tier));
                products.push(product);
            }
        }
        Ok(ProductPage { products, next: None })
    }
}
