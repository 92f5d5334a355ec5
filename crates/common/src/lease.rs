//! Leases: of many replicas one does a piece of work, for as long as it says so in time.

use crate::mongo::{StoreError, is_duplicate_key};
use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::ReturnDocument;
use mongodb::{Collection, Database};
use std::time::Duration;
use uuid::Uuid;

const NAME: &str = "leases";

/// Longest that one question may run in the database.
const MAX_TIME: Duration = Duration::from_secs(4);

/// The collection `leases` of a service, as one process uses it. The times are the database's alone, so that no clock of
/// ours matters.
///
/// A lease keeps two processes from doing the same work; it proves nothing. A process that was stopped for longer than
/// its lease may still write, so that whatever is done under one must hold without it: each writer meets the other at a
/// unique key, or by what it read.
#[derive(Clone)]
pub struct Leases {
    collection: Collection<Document>,
    holder: Uuid,
    length: Duration,
}

impl Leases {
    /// For a fresh holder.
    pub fn new(database: &Database, length: Duration) -> Self {
        Self { collection: database.collection(NAME), holder: Uuid::now_v7(), length }
    }

    /// Takes the lease, or keeps it. Answers how often it has changed hands, or `None` where somebody else has it.
    pub async fn take(&self, name: &str) -> Result<Option<i64>, StoreError> {
        let holder = self.holder.to_string();
        let mine = doc! { "$eq": ["$holder", &holder] };
        let free = doc! { "$or": [{ "$lt": ["$expiresAt", "$$NOW"] }, mine.clone()] };
        let length_ms = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        let next_term = doc! { "$add": [{ "$ifNull": ["$term", 0_i64] }, 1_i64] };
        let term = doc! { "$cond": [mine, "$term", next_term] };
        let until = doc! { "$add": ["$$NOW", length_ms] };
        // Where it is somebody else's this changes nothing, and nothing is written.
        let taken = doc! { "$set": {
            "holder": { "$cond": [free.clone(), &holder, "$holder"] },
            "term": { "$cond": [free.clone(), term, "$term"] },
            "expiresAt": { "$cond": [free, until, "$expiresAt"] },
        } };
        let written = self
            .collection
            .find_one_and_update(doc! { "_id": name }, vec![taken])
            .upsert(true)
            .return_document(ReturnDocument::After)
            .max_time(MAX_TIME);
        match written.await {
            Ok(lease) => {
                let mine = lease.filter(|lease| lease.get_str("holder").is_ok_and(|found| found == holder));
                Ok(mine.and_then(|lease| lease.get_i64("term").ok()))
            }
            // Two made it at the same moment, and the other one has it.
            Err(error) if is_duplicate_key(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the lease back, so that nobody has to wait for its end.
    pub async fn give_up(&self, name: &str) -> Result<(), StoreError> {
        let mine = doc! { "_id": name, "holder": self.holder.to_string() };
        let over = doc! { "$set": { "expiresAt": DateTime::from_millis(0) } };
        self.collection.update_one(mine, over).await?;
        Ok(())
    }

    /// How often a holder should say that it is there.
    pub fn renew_every(&self) -> Duration {
        self.length / 4
    }

    /// How long a holder may go on without having said so.
    pub const fn length(&self) -> Duration {
        self.length
    }
}
