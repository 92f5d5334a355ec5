//! Counts of lists of products: bounded in time and in how many are made at once, and kept for a short while.

use super::flights::Flights;
use super::product_search::ProductFilter;
use super::products::COLLECTION;
use crate::domain::facets::{Counts, bounds, facets};
use common::models::facets::ProductFacets;
use common::money::Currency;
use common::mongo::StoreError;
use common::redis::Redis;
use deadpool_redis::redis::{RedisResult, cmd};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Collection, Database};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest that a count may run in the database.
const COUNT_LIMIT: Duration = Duration::from_secs(3);

/// How long counts may be shown: nobody waits for the last product to be counted.
const LIFETIME: Duration = Duration::from_secs(30);

/// Counts that are made at once in this process; whoever comes then is asked to come back.
const AT_ONCE: usize = 2;

/// What came of a count.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FacetsError {
    #[error("as many counts are being made as may be")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Clone)]
pub struct FacetCounter {
    products: Collection<Document>,
    redis: Redis,
    prefix: String,
    readings: Flights<ProductFilter, Result<Arc<ProductFacets>, FacetsError>>,
    places: Arc<Semaphore>,
}

impl FacetCounter {
    /// `database` keeps the entries of several shops on one Redis apart.
    pub fn new(database: &Database, redis: Redis) -> Self {
        Self {
            products: database.collection(COLLECTION),
            redis,
            prefix: format!("{}:facets:", database.name()),
            readings: Flights::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The facets of a list that has a currency, as they were at most a minute ago.
    pub async fn facets(
        &self,
        filter: &ProductFilter,
        currency: Currency,
    ) -> Result<Arc<ProductFacets>, FacetsError> {
        let read = || {
            let (counter, filter) = (self.clone(), filter.clone());
            async move { counter.read_through(&filter, currency).await.map(Arc::new) }
        };
        let read = self.readings.join(filter, read).await;
        read.unwrap_or_else(|| Err(StoreError::Corrupt("a count of products died".to_owned()).into()))
    }

    async fn read_through(
        &self,
        filter: &ProductFilter,
        currency: Currency,
    ) -> Result<ProductFacets, FacetsError> {
        let key = self.key(filter);
        if let Some(kept) = self.get(&key).await {
            return Ok(kept);
        }
        let Ok(_place) = self.places.try_acquire() else { return Err(FacetsError::Busy) };
        let found = facets(self.count(filter, currency).await?, currency);
        self.put(&key, &found).await;
        Ok(found)
    }

    async fn count(&self, filter: &ProductFilter, currency: Currency) -> Result<Counts, StoreError> {
        let by = |field: &str| doc! { "$group": { "_id": field, "count": { "$sum": 1_i64 } } };
        // Open at the top: the last band holds whatever is dearer.
        let mut boundaries = bounds(currency);
        boundaries.push(i64::MAX);
        let bands = doc! { "$bucket": {
            "groupBy": "$priceMinor", "boundaries": boundaries, "output": { "count": { "$sum": 1_i64 } },
        } };
        let (categories, brands, bands) = tokio::join!(
            self.group(filter, by("$details.category")),
            self.group(filter, by("$details.brand")),
            self.group(filter, bands),
        );
        let text = |(value, count): (Bson, u64)| Some((value.as_str()?.to_owned(), count));
        let minor = |(value, count): (Bson, u64)| Some((value.as_i64()?, count));
        Ok(Counts {
            categories: categories?
                .into_iter()
                .filter_map(text)
                .filter_map(|(path, count)| Some((path.parse().ok()?, count)))
                .collect(),
            brands: brands?.into_iter().filter_map(text).collect(),
            bands: bands?.into_iter().filter_map(minor).collect(),
        })
    }

    /// The values of a group, each with how often it stands in the list.
    async fn group(&self, filter: &ProductFilter, group: Document) -> Result<Vec<(Bson, u64)>, StoreError> {
        let pipeline = [doc! { "$match": filter.query() }, group];
        let mut cursor = self.products.aggregate(pipeline).max_time(COUNT_LIMIT).await?;
        let mut found = Vec::new();
        while let Some(row) = cursor.try_next().await? {
            let count = row.get("count").and_then(Bson::as_i64).and_then(|count| u64::try_from(count).ok());
            if let (Some(value), Some(count)) = (row.get("_id"), count) {
                found.push((value.clone(), count));
            }
        }
        Ok(found)
    }

    async fn get(&self, key: &str) -> Option<ProductFacets> {
        let key = key.to_owned();
        let read = |mut connection: deadpool_redis::Connection| async move {
            let kept: RedisResult<Option<Vec<u8>>> = cmd("GET").arg(key).query_async(&mut connection).await;
            kept
        };
        // An entry of another release's shape is as good as none.
        serde_json::from_slice(&self.redis.ask(read).await??).ok()
    }

    async fn put(&self, key: &str, found: &ProductFacets) {
        let Ok(encoded) = serde_json::to_vec(found) else { return };
        let (key, lifetime) = (key.to_owned(), common::mongo::jitter(LIFETIME).as_millis());
        let lifetime = u64::try_from(lifetime).unwrap_or(1).max(1);
        let write = |mut connection: deadpool_redis::Connection| async move {
            let mut set = cmd("SET");
            set.arg(key).arg(encoded).arg("PX").arg(lifetime);
            let kept: RedisResult<()> = set.query_async(&mut connection).await;
            kept
        };
        // Without Redis there is nothing to keep it in; the log has said so.
        let _kept = self.redis.ask(write).await;
    }

    fn key(&self, filter: &ProductFilter) -> String {
        let digest = Sha256::digest(format!("{filter:?}").as_bytes());
        digest.iter().fold(self.prefix.clone(), |key, byte| format!("{key}{byte:02x}"))
    }
}
