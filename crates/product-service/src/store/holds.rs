//! Holds: read as they stand; they are written by the ledger alone, in the transaction of their movement.

use crate::domain::hold::Hold;
use anyhow::Context;
use common::ids::{HoldId, ProductId};
use common::mongo::{StoreError, ensure_collection};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use serde::Deserialize;
use std::collections::HashMap;
use std::time::Duration;

pub(super) const COLLECTION: &str = "holds";

const QUERY_LIMIT: Duration = Duration::from_secs(3);

/// Documents that one answer of the database brings.
const READ_BATCH: u32 = 2_000;

#[derive(Clone)]
pub struct Holds {
    database: Database,
    holds: Collection<Hold>,
}

impl Holds {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), holds: database.collection(COLLECTION) }
    }

    /// Creates the collection, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        // Only those that stand are looked for otherwise than by their identity.
        let of_those_that_stand = |keys: Document| {
            let options =
                IndexOptions::builder().partial_filter_expression(doc! { "status": "active" }).build();
            IndexModel::builder().keys(keys).options(options).build()
        };
        let indexes = vec![
            of_those_that_stand(doc! { "portions.productId": 1, "expiresAt": 1 }),
            of_those_that_stand(doc! { "expiresAt": 1 }),
            of_those_that_stand(doc! { "owner": 1 }),
        ];
        ensure_collection(&self.database, COLLECTION, validator(), indexes).await.context("holds")
    }

    pub async fn find(&self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        Ok(self.holds.find_one(doc! { "_id": id }).max_time(QUERY_LIMIT).await?)
    }

    /// How many holds somebody has, up to a bound.
    pub async fn count_standing(&self, owner: &str, at_most: u64) -> Result<u64, StoreError> {
        let theirs = doc! { "status": "active", "owner": owner };
        Ok(self.holds.count_documents(theirs).limit(at_most).max_time(QUERY_LIMIT).await?)
    }

    /// Holds whose time is over, those that ended first in front.
    pub async fn ended(&self, at: Timestamp, limit: i64) -> Result<Vec<HoldId>, StoreError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(rename = "_id")]
            id: HoldId,
        }
        let over = doc! { "status": "active", "expiresAt": { "$lte": at } };
        let holds = self.holds.clone_with_type::<Found>();
        let found = holds.find(over).projection(doc! { "_id": 1 });
        let found = found.sort(doc! { "expiresAt": 1 }).limit(limit).max_time(QUERY_LIMIT).await?;
        Ok(found.map_ok(|found| found.id).try_collect().await?)
    }

    pub(super) async fn named(
        &self,
        ids: Vec<Bson>,
        session: &mut ClientSession,
    ) -> Result<Vec<Hold>, Error> {
        self.read(doc! { "_id": { "$in": ids } }, session).await
    }

    /// The holds on these products that are over.
    pub(super) async fn ended_on(
        &self,
        products: &[ProductId],
        at: Timestamp,
        session: &mut ClientSession,
    ) -> Result<Vec<Hold>, Error> {
        let products: Vec<Bson> = products.iter().copied().map(Bson::from).collect();
        let over = doc! {
            "status": "active", "portions.productId": { "$in": products }, "expiresAt": { "$lte": at },
        };
        self.read(over, session).await
    }

    /// When the next hold on each of these products ends that does not yet.
    pub(super) async fn next_ends(
        &self,
        products: &[ProductId],
        at: Timestamp,
        session: &mut ClientSession,
    ) -> Result<HashMap<ProductId, Option<Timestamp>>, Error> {
        #[derive(Deserialize)]
        struct First {
            #[serde(rename = "_id")]
            product_id: ProductId,
            at: Timestamp,
        }
        let of_these = doc! { "$in": products.iter().copied().map(Bson::from).collect::<Vec<_>>() };
        let pipeline = [
            doc! { "$match": {
                "status": "active", "portions.productId": of_these.clone(), "expiresAt": { "$gt": at },
            } },
            doc! { "$unwind": "$portions" },
            doc! { "$match": { "portions.productId": of_these } },
            doc! { "$group": { "_id": "$portions.productId", "at": { "$min": "$expiresAt" } } },
        ];
        let aggregated = self.holds.aggregate(pipeline).with_type::<First>();
        let mut cursor = aggregated.batch_size(READ_BATCH).session(&mut *session).await?;
        let found: Vec<First> = cursor.stream(session).try_collect().await?;
        let mut next: HashMap<_, _> = products.iter().map(|product| (*product, None)).collect();
        next.extend(found.into_iter().map(|first| (first.product_id, Some(first.at))));
        Ok(next)
    }

    async fn read(&self, query: Document, session: &mut ClientSession) -> Result<Vec<Hold>, Error> {
        let mut cursor = self.holds.find(query).batch_size(READ_BATCH).session(&mut *session).await?;
        cursor.stream(session).try_collect().await
    }
}

fn validator() -> Document {
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "owner", "status", "lines", "portions", "expiresAt", "version"],
            "properties": {
                "_id": { "bsonType": "binData" },
                "owner": { "bsonType": "string" },
                "status": { "enum": ["active", "released", "expired", "used"] },
                "lines": { "bsonType": "array" },
                "portions": { "bsonType": "array" },
                "expiresAt": { "bsonType": "date" },
                "orderId": { "bsonType": "binData" },
                "version": { "bsonType": ["int", "long"], "minimum": 1 },
            },
        },
    }
}
