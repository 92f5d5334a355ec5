//! The places where stock is kept, and what the ledger has to know of them.

use crate::domain::places::Places;
use anyhow::Context;
use common::audit::AuditLog;
use common::models::audit::AuditEvent;
use common::models::location::{Location, LocationId, LocationName};
use common::mongo::{StoreError, Transaction, ensure_collection, is_duplicate_key};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::{Collection, Database};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

const COLLECTION: &str = "locations";

const QUERY_LIMIT: Duration = Duration::from_secs(3);

/// How long a process may not notice that another one changed a priority. A place it never heard of it looks up.
const FRESH: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Locations {
    database: Database,
    locations: Collection<Stored>,
    audit: AuditLog,
    known: Arc<RwLock<Option<Known>>>,
}

/// As read at that moment.
type Known = (Instant, Arc<Places>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(rename = "_id")]
    id: LocationId,
    name: LocationName,
    priority: i32,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Stored> for Location {
    fn from(stored: Stored) -> Self {
        let Stored { id, name, priority, version, created_at, updated_at } = stored;
        Self { id, name, priority, version, created_at, updated_at }
    }
}

impl From<&Location> for Stored {
    fn from(location: &Location) -> Self {
        let Location { id, name, priority, version, created_at, updated_at } = location.clone();
        Self { id, name, priority, version, created_at, updated_at }
    }
}

impl Locations {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            locations: database.collection(COLLECTION),
            audit: AuditLog::new(database),
            known: Arc::default(),
        }
    }

    /// Creates the collection and the default location, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        ensure_collection(&self.database, COLLECTION, validator(), Vec::new()).await.context("locations")?;
        let now = Timestamp::now();
        let name = LocationName::parse("Main").context("the default location")?;
        let main = Stored {
            id: LocationId::main(),
            name,
            priority: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        match self.locations.insert_one(main).await {
            Err(failure) if !is_duplicate_key(&failure) => Err(failure).context("the default location"),
            _ => Ok(()),
        }
    }

    /// All of them, those that orders take from first in front.
    pub async fn list(&self) -> Result<Vec<Location>, StoreError> {
        let found = self.locations.find(doc! {}).sort(doc! { "priority": 1, "_id": 1 }).max_time(QUERY_LIMIT);
        Ok(found.await?.map_ok(Location::from).try_collect().await?)
    }

    pub async fn find(&self, id: &LocationId) -> Result<Option<Location>, StoreError> {
        let found = self.locations.find_one(doc! { "_id": id.as_str() }).max_time(QUERY_LIMIT).await?;
        Ok(found.map(Location::from))
    }

    /// `false` where there is one of this name.
    pub async fn insert(&self, location: &Location, event: &AuditEvent) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT).await?;
        let written = loop {
            let session = transaction.begin().await?;
            let done = match self.locations.insert_one(Stored::from(location)).session(&mut *session).await {
                Ok(_) => self.audit.insert(event, session).await,
                Err(failure) => Err(failure),
            };
            if let Some(done) = transaction.end(done).await {
                break done;
            }
        };
        match written {
            Ok(()) => {
                self.forget();
                Ok(true)
            }
            Err(failure) if is_duplicate_key(&failure) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes a location over its version before; `false` where another version stands now.
    pub async fn replace(&self, location: &Location, event: &AuditEvent) -> Result<bool, StoreError> {
        let before = doc! { "_id": location.id.as_str(), "version": location.version - 1 };
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT).await?;
        let is_written = loop {
            let session = transaction.begin().await?;
            let replaced = self.locations.replace_one(before.clone(), Stored::from(location));
            let done = match replaced.session(&mut *session).await {
                Ok(written) if written.matched_count == 1 => {
                    self.audit.insert(event, session).await.map(|()| true)
                }
                Ok(_) => Ok(false),
                Err(failure) => Err(failure),
            };
            if let Some(done) = transaction.end(done).await {
                break done?;
            }
        };
        self.forget();
        Ok(is_written)
    }

    /// What the ledger decides by: at most some seconds old, and read anew where it lacks one of those named.
    pub async fn places(&self, named: &[&LocationId]) -> Result<Arc<Places>, StoreError> {
        let kept = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, places)) = kept {
            let is_complete = named.iter().all(|location| places.knows(location));
            if is_complete && read_at.elapsed() < FRESH {
                return Ok(places);
            }
        }
        let read_at = Instant::now();
        let listed = self.list().await?;
        let places = Places::new(listed.into_iter().map(|location| (location.id, location.priority)));
        let places = Arc::new(places);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some((read_at, places.clone()));
        Ok(places)
    }

    fn forget(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn validator() -> Document {
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "name", "priority", "version", "createdAt", "updatedAt"],
            "properties": {
                "_id": { "bsonType": "string" },
                "name": { "bsonType": "string" },
                "priority": { "bsonType": ["int", "long"] },
                "version": { "bsonType": ["int", "long"], "minimum": 1 },
            },
        },
    }
}
