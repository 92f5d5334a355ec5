//! Counts of lists of products: few at once, bounded in time, and kept for a while.

use super::flights::Flights;
use super::product_search::ProductFilter;
use super::products::COLLECTION;
use crate::domain::facets::{Counts, MOST, bounds, facets};
use common::models::facets::ProductFacets;
use common::money::Currency;
use common::mongo::StoreError;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Collection, Database};
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Longest that a count may run in the database. Whoever has no time for it is asked to come back, and finds it made.
const COUNT_LIMIT: Duration = Duration::from_secs(10);

/// How long counts are taken for current, and how long they are shown while newer ones are being made.
const FRESH: Duration = Duration::from_secs(30);
const SHOWN: Duration = Duration::from_secs(600);

/// Counts that are made at once in this process; whoever comes then is asked to come back.
const AT_ONCE: usize = 2;

/// Lists whose counts are kept.
const KEPT: usize = 500;

/// What came of a count.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FacetsError {
    #[error("as many counts are being made as may be")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Counted = Result<Arc<ProductFacets>, FacetsError>;

#[derive(Clone)]
pub struct FacetCounter {
    database: Database,
    products: Collection<Document>,
    kept: Arc<Cache<ProductFilter, (Instant, Arc<ProductFacets>)>>,
    readings: Flights<ProductFilter, Counted>,
    places: Arc<Semaphore>,
}

impl FacetCounter {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            products: database.collection(COLLECTION),
            kept: Arc::new(Cache::new(KEPT)),
            readings: Flights::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The facets of a list that has a currency. What is older than half a minute is shown once more, and counted anew
    /// for those who come later.
    pub async fn facets(&self, filter: &ProductFilter, currency: Currency) -> Counted {
        let kept = self.kept.get(filter).filter(|(at, _)| at.elapsed() < SHOWN);
        let Some((at, facets)) = kept else { return self.count_once(filter, currency).await };
        if at.elapsed() >= FRESH {
            let (counter, filter) = (self.clone(), filter.clone());
            // Whether it comes to anything is seen by those who come later.
            common::context::spawn(async move { drop(counter.count_once(&filter, currency).await) });
        }
        Ok(facets)
    }

    async fn count_once(&self, filter: &ProductFilter, currency: Currency) -> Counted {
        let read = || {
            let (counter, filter) = (self.clone(), filter.clone());
            async move {
                let Ok(_place) = counter.places.try_acquire() else { return Err(FacetsError::Busy) };
                let found = Arc::new(facets(counter.count(&filter, currency).await?, currency));
                counter.kept.insert(filter, (Instant::now(), found.clone()));
                Ok(found)
            }
        };
        let read = self.readings.join(filter, read).await;
        read.unwrap_or_else(|| Err(StoreError::Corrupt("a count of products died".to_owned()).into()))
    }

    async fn count(&self, filter: &ProductFilter, currency: Currency) -> Result<Counts, StoreError> {
        // Both to their end: a dropped driver future can corrupt the driver's state.
        let (groups, bands) = tokio::join!(self.group(filter), self.bands(filter, currency));
        let groups = groups?;
        let texts = |name: &str| {
            let rows = groups.get_array(name).into_iter().flatten().filter_map(Bson::as_document);
            let pair = |row: &Document| Some((row.get_str("_id").ok()?.to_owned(), count_of(row)?));
            rows.filter_map(pair).collect::<Vec<_>>()
        };
        let categories = texts("categories").into_iter();
        Ok(Counts {
            categories: categories.filter_map(|(path, count)| Some((path.parse().ok()?, count))).collect(),
            brands: texts("brands"),
            bands: bands?,
        })
    }

    /// Categories and brands in one walk along the list.
    async fn group(&self, filter: &ProductFilter) -> Result<Document, StoreError> {
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let pipeline = [
            doc! { "$match": filter.query() },
            doc! { "$facet": {
                "categories": [{ "$sortByCount": "$details.category" }],
                "brands": [
                    { "$match": { "details.brand": { "$exists": true } } },
                    { "$sortByCount": "$details.brand" },
                    { "$limit": most },
                ],
            } },
        ];
        let mut groups = self.products.aggregate(pipeline).max_time(COUNT_LIMIT).await?;
        Ok(groups.try_next().await?.unwrap_or_default())
    }

    /// Each band counted by itself: from the index alone, a tenth of what sorting prices into bands takes.
    async fn bands(&self, filter: &ProductFilter, currency: Currency) -> Result<Vec<(i64, u64)>, StoreError> {
        let bounds = bounds(currency);
        let mut bands = Vec::with_capacity(bounds.len());
        for (place, from) in bounds.iter().enumerate() {
            let mut band = doc! { "$gte": from };
            if let Some(to) = bounds.get(place + 1) {
                band.insert("$lt", to);
            }
            let query = doc! { "$and": [filter.query(), { "priceMinor": band }] };
            let limit = i64::try_from(COUNT_LIMIT.as_millis()).unwrap_or(i64::MAX);
            let count = doc! { "count": COLLECTION, "query": query, "maxTimeMS": limit };
            let counted = self.database.run_command(count).await?;
            match counted.get("n").and_then(number) {
                Some(0) | None => {}
                Some(count) => bands.push((*from, count)),
            }
        }
        Ok(bands)
    }
}

fn count_of(row: &Document) -> Option<u64> {
    row.get("count").and_then(number)
}

/// The database answers a small count as a small integer.
fn number(count: &Bson) -> Option<u64> {
    let count = count.as_i64().or_else(|| count.as_i32().map(i64::from))?;
    u64::try_from(count).ok()
}
