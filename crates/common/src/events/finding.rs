//! Finding the documents of a source that changed, by an index alone, and reading them.

use super::source::{Described, Source};
use crate::ids::EntityId;
use crate::mongo::StoreError;
use crate::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, RawBsonRef, RawDocumentBuf, doc};
use mongodb::options::Hint;
use mongodb::{Collection, Database};
use std::time::Duration;
use uuid::Uuid;

/// Longest that a look may run in the database.
const MAX_TIME: Duration = Duration::from_secs(10);

/// A document by its last change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub at: Timestamp,
    pub id: EntityId,
    pub version: i64,
}

/// Where a look begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    pub at: Timestamp,
    /// After this one among those of the same time.
    pub after: Option<EntityId>,
}

impl Begin {
    pub const fn time(at: Timestamp) -> Self {
        Self { at, after: None }
    }

    pub const fn key(key: &Key) -> Self {
        Self { at: key.at, after: Some(key.id) }
    }
}

pub(super) struct Finder {
    pub source: Source,
    documents: Collection<RawDocumentBuf>,
}

impl Finder {
    pub fn new(database: &Database, source: Source) -> Self {
        Self { documents: database.collection(source.collection), source }
    }

    /// Documents in the order of their last change.
    pub async fn changed(&self, from: Begin, limit: usize) -> Result<Vec<Key>, StoreError> {
        let time = self.source.time;
        let mut query = doc! { time: { "$gte": from.at } };
        if let Some(after) = from.after {
            query.insert("$nor", vec![doc! { time: from.at, "_id": { "$lte": after } }]);
        }
        let mut fields = doc! { "_id": 1, time: 1 };
        if let Some(version) = self.source.version {
            fields.insert(version, 1);
        }
        let found = self
            .documents
            .find(query)
            .projection(fields)
            .sort(doc! { time: 1, "_id": 1 })
            .hint(Hint::Keys((self.source.index)()))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .batch_size(u32::try_from(limit).unwrap_or(u32::MAX))
            .max_time(MAX_TIME)
            .await?;
        let found: Vec<RawDocumentBuf> = found.try_collect().await?;
        found.iter().map(|document| self.key(document)).collect()
    }

    fn key(&self, document: &RawDocumentBuf) -> Result<Key, StoreError> {
        let id = match document.get("_id") {
            Ok(Some(RawBsonRef::Binary(binary))) => Uuid::from_slice(binary.bytes).ok(),
            _ => None,
        };
        let at = document.get_datetime(self.source.time).map(|at| at.timestamp_millis());
        let version = match self.source.version.map(|field| document.get(field)) {
            None => Some(1),
            Some(Ok(Some(RawBsonRef::Int64(version)))) => Some(version),
            Some(Ok(Some(RawBsonRef::Int32(version)))) => Some(version.into()),
            Some(_) => None,
        };
        match (id, at, version) {
            (Some(id), Ok(at), Some(version)) => {
                Ok(Key { at: Timestamp::from_millis(at), id: EntityId::from_uuid(id), version })
            }
            _ => Err(StoreError::Corrupt(format!("{} holds what no service wrote", self.source.collection))),
        }
    }

    /// The documents as they are now.
    pub async fn read(&self, ids: &[EntityId]) -> Result<Vec<Described>, StoreError> {
        let named: Vec<Bson> = ids.iter().map(|id| Bson::from(*id)).collect();
        let found = self.documents.find(doc! { "_id": { "$in": named } }).max_time(MAX_TIME).await?;
        let found: Vec<RawDocumentBuf> = found.try_collect().await?;
        found.iter().map(self.source.describe).collect()
    }
}
