//! The log of a service: events in the order in which they were appended, each at the position after the one before.

use super::logged::Logged;
use super::source::{Draft, Happening, Head};
use crate::ids::EntityId;
use crate::models::event::{EntityKind, TypeFilter};
use crate::mongo::{StoreError, ensure_collection, is_duplicate_key, majority_document};
use crate::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{IndexOptions, ReturnDocument};
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

const NAME: &str = "events";
/// Where the numbering of entities goes on whose events are all gone.
const HEADS: &str = "event_heads";
/// How far the collector has looked, and since when the log tells everything.
const MARKS: &str = "event_marks";

/// Longest that a read may run in the database.
const MAX_TIME: Duration = Duration::from_secs(4);

/// Positions that one page looks at: where few events are wanted, a page may have none of them.
const SPAN: i64 = 5_000;

/// Bytes after which a page ends.
const PAGE_BYTES: usize = 1024 * 1024;

/// Events that are removed at a time.
const PRUNED_AT_ONCE: u64 = 5_000;

/// A page of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    pub events: Vec<Logged>,
    /// The position up to which everything was looked at.
    pub next: i64,
    /// The last position that there is.
    pub last: i64,
}

/// Why a page cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What follows the position is no longer there, or never was: the log is another one.
    #[error("the log begins at {first} and ends at {last}")]
    Expired { first: i64, last: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing, or only a part, was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appends, or an earlier append came through that seemed not to: look at the log again.
    #[error("the log goes on differently")]
    Overtaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far a source has been looked through.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// Everything that changed before was compared.
    pub at: Timestamp,
}

#[derive(Clone)]
pub struct EventLog {
    database: Database,
    events: Collection<Logged>,
    heads: Collection<Document>,
    marks: Collection<Mark>,
}

impl EventLog {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            events: database.collection(NAME),
            heads: database.collection(HEADS),
            marks: database.collection(MARKS),
        }
    }

    /// Creates the collection and its indexes, or brings them up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let once = IndexOptions::builder().unique(true).build();
        let by_entity = IndexModel::builder().keys(by_entity()).options(once).build();
        ensure_collection(&self.database, NAME, validator(), vec![by_entity]).await
    }

    /// The last position, 0 where there is none, as a majority has it.
    pub async fn tail(&self) -> Result<i64, StoreError> {
        self.edge(-1).await
    }

    async fn edge(&self, direction: i32) -> Result<i64, StoreError> {
        let events: Collection<Document> = self.events.clone_with_type();
        let found = events.find_one(doc! {}).sort(doc! { "_id": direction });
        let found = found.projection(doc! { "_id": 1 }).max_time(MAX_TIME).await?;
        Ok(found.and_then(|event| event.get_i64("_id").ok()).unwrap_or(0))
    }

    /// Appends after `tail`, all of them or those in front, and answers the new last position. The positions are the
    /// fence: of two who append after the same position one fails, and nobody appends an event twice.
    pub async fn append(&self, tail: i64, drafts: Vec<Draft>) -> Result<i64, AppendError> {
        let now = Timestamp::now();
        let mut events = Vec::with_capacity(drafts.len());
        let mut position = tail + i64::try_from(drafts.len()).unwrap_or(i64::MAX);
        let last = position;
        let mut data_at = None;
        // From the end: the last event of an entity carries the data of those before it.
        for draft in drafts.into_iter().rev() {
            let Draft { entity, sequence, version, happening, data } = draft;
            if data.is_some() {
                data_at = Some(position);
            }
            let Happening { kind, at, actor, change } = happening;
            events.push(Logged {
                position,
                entity_kind: entity.kind,
                entity_id: entity.id,
                sequence,
                version,
                kind: kind.to_owned(),
                at,
                recorded_at: now.max(at),
                actor,
                change,
                data_at: data_at.filter(|_| data.is_none()),
                data,
            });
            position -= 1;
        }
        events.reverse();
        match self.events.insert_many(&events).ordered(true).await {
            Ok(_) => Ok(last),
            Err(error) if is_duplicate_key(&error) => Err(AppendError::Overtaken),
            Err(error) => Err(AppendError::Store(error.into())),
        }
    }

    /// How far the log tells of each of these.
    pub async fn heads(
        &self,
        kind: EntityKind,
        ids: &[EntityId],
    ) -> Result<HashMap<EntityId, Head>, StoreError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(rename = "_id")]
            id: EntityId,
            sequence: i64,
            version: i64,
        }
        let named: Vec<Bson> = ids.iter().map(|id| Bson::from(*id)).collect();
        let pipeline = [
            doc! { "$match": { "entityId": { "$in": &named } } },
            doc! { "$sort": { "entityId": 1, "sequence": -1 } },
            doc! { "$group": {
                "_id": "$entityId", "sequence": { "$first": "$sequence" }, "version": { "$first": "$version" },
            } },
        ];
        let found = self.events.aggregate(pipeline).with_type::<Found>().max_time(MAX_TIME).await?;
        let mut found: Vec<Found> = found.try_collect().await?;
        if !kind.has_history() {
            let heads: Collection<Found> = self.heads.clone_with_type();
            let older = heads.find(doc! { "_id": { "$in": &named } });
            let mut older: Vec<Found> = older.max_time(MAX_TIME).await?.try_collect().await?;
            // What stands in the log is newer.
            older.append(&mut found);
            found = older;
        }
        let head = |found: Found| (found.id, Head { sequence: found.sequence, version: found.version });
        Ok(found.into_iter().map(head).collect())
    }

    /// A page of what follows `after`; from the first event that is left where there is none.
    pub async fn read(
        &self,
        after: Option<i64>,
        wanted: &TypeFilter,
        limit: usize,
    ) -> Result<LogPage, ReadError> {
        let (first, last) = (self.edge(1).await?, self.edge(-1).await?);
        let after = match after {
            None => first.saturating_sub(1).max(0),
            Some(after) if after > last || after + 1 < first => {
                return Err(ReadError::Expired { first, last });
            }
            Some(after) => after,
        };
        let until = last.min(after.saturating_add(SPAN));
        let mut page = LogPage { events: Vec::new(), next: until, last };
        if until <= after {
            return Ok(page);
        }
        let mut query = doc! { "_id": { "$gt": after, "$lte": until } };
        if !wanted.is_everything() {
            query.insert("type", doc! { "$in": wanted.names() });
        }
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut found = self
            .events
            .find(query)
            .sort(doc! { "_id": 1 })
            .limit(wanted)
            .max_time(MAX_TIME)
            .await
            .map_err(stored)?;
        let mut bytes = 0;
        while let Some(event) = found.try_next().await.map_err(stored)? {
            bytes += event.bytes();
            page.events.push(event);
            if page.events.len() >= limit || bytes >= PAGE_BYTES {
                page.next = page.events.last().map_or(until, |event| event.position);
                break;
            }
        }
        self.fill_in(&mut page.events).await?;
        Ok(page)
    }

    /// Gives events their data that stands with a later one.
    async fn fill_in(&self, events: &mut [Logged]) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Data {
            #[serde(rename = "_id")]
            position: i64,
            data: Option<String>,
        }
        let mut known: HashMap<i64, Option<String>> = HashMap::new();
        let missing: BTreeSet<i64> = events.iter().filter_map(|event| event.data_at).collect();
        if missing.is_empty() {
            return Ok(());
        }
        for event in events.iter().filter(|event| missing.contains(&event.position)) {
            known.insert(event.position, event.data.clone());
        }
        let elsewhere: Vec<i64> =
            missing.into_iter().filter(|position| !known.contains_key(position)).collect();
        if !elsewhere.is_empty() {
            let events: Collection<Data> = self.events.clone_with_type();
            let found = events.find(doc! { "_id": { "$in": elsewhere } }).projection(doc! { "data": 1 });
            let found: Vec<Data> = found.max_time(MAX_TIME).await?.try_collect().await?;
            known.extend(found.into_iter().map(|event| (event.position, event.data)));
        }
        for event in events {
            if let Some(data) = event.data_at.and_then(|position| known.get(&position)) {
                event.data.clone_from(data);
            }
        }
        Ok(())
    }

    /// Since when the log tells everything: what happened before was removed or never told. The first call decides it.
    pub async fn floor(&self, first: Timestamp) -> Result<Timestamp, StoreError> {
        self.raise("floor", first, false).await
    }

    /// How far a source was looked through; `None`: never.
    pub async fn mark(&self, source: &str) -> Result<Option<Timestamp>, StoreError> {
        let found = self.marks.find_one(doc! { "_id": source }).max_time(MAX_TIME).await?;
        Ok(found.map(|mark| mark.at))
    }

    /// A mark never goes back: whoever sets it has compared everything before, whether or not its lease is over.
    pub async fn set_mark(&self, source: &str, at: Timestamp) -> Result<(), StoreError> {
        self.raise(source, at, true).await.map(drop)
    }

    async fn raise(&self, name: &str, at: Timestamp, always: bool) -> Result<Timestamp, StoreError> {
        let operator = if always { "$max" } else { "$setOnInsert" };
        let written = self
            .marks
            .find_one_and_update(doc! { "_id": name }, doc! { operator: { "at": at } })
            .upsert(true)
            .return_document(ReturnDocument::After)
            .max_time(MAX_TIME);
        match written.await {
            Ok(mark) => Ok(mark.map_or(at, |mark| mark.at)),
            // Somebody else made it at the same moment.
            Err(error) if is_duplicate_key(&error) => Ok(self.mark(name).await?.unwrap_or(at)),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a part of what was recorded before `cutoff`, from the front and never the last event. Answers whether there
    /// may be more.
    pub async fn prune(&self, cutoff: Timestamp) -> Result<bool, StoreError> {
        let tail = self.tail().await?;
        let old = self.events.find_one(doc! { "_id": { "$lt": tail } }).sort(doc! { "_id": 1 });
        let Some(front) = old.max_time(MAX_TIME).await?.filter(|event| event.recorded_at < cutoff) else {
            return Ok(false);
        };
        // Later events were recorded later, or at most a clock's error before.
        let window = doc! { "_id": { "$gte": front.position, "$lt": tail } };
        let window = self
            .events
            .find(window)
            .sort(doc! { "_id": 1 })
            .limit(i64::try_from(PRUNED_AT_ONCE).unwrap_or(1));
        let brief = doc! { "data": 0, "change": 0 };
        let found: Vec<Logged> = window.projection(brief).max_time(MAX_TIME).await?.try_collect().await?;
        let total = found.len();
        let old: Vec<Logged> = found.into_iter().take_while(|event| event.recorded_at < cutoff).collect();
        let Some(end) = old.last().map(|event| event.position) else { return Ok(false) };
        // First what must be known once they are gone.
        self.raise("floor", cutoff, true).await?;
        self.remember_heads(&old).await?;
        self.events.delete_many(doc! { "_id": { "$lte": end } }).await?;
        Ok(old.len() == total)
    }

    async fn remember_heads(&self, events: &[Logged]) -> Result<(), StoreError> {
        let mut last: HashMap<EntityId, Head> = HashMap::new();
        for event in events.iter().filter(|event| !event.entity_kind.has_history()) {
            last.insert(event.entity_id, Head { sequence: event.sequence, version: event.version });
        }
        let raise = |(id, head): (EntityId, Head)| {
            let raised = doc! { "$max": { "sequence": head.sequence, "version": head.version } };
            doc! { "q": { "_id": id }, "u": raised, "upsert": true }
        };
        let updates: Vec<Document> = last.into_iter().map(raise).collect();
        if updates.is_empty() {
            return Ok(());
        }
        let command = doc! { "update": HEADS, "updates": updates, "ordered": false, "writeConcern": majority_document() };
        let answer = self.database.run_command(command).await?;
        match answer.get("writeErrors").or_else(|| answer.get("writeConcernError")) {
            None => Ok(()),
            Some(failures) => Err(StoreError::Corrupt(format!("event heads: {failures}"))),
        }
    }
}

fn stored(error: mongodb::error::Error) -> ReadError {
    ReadError::Store(error.into())
}

fn by_entity() -> Document {
    doc! { "entityId": 1, "sequence": 1 }
}

fn validator() -> Document {
    let number = doc! { "bsonType": "long", "minimum": 1 };
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "entityKind", "entityId", "sequence", "version", "type", "at", "recordedAt"],
        "properties": {
            "_id": number.clone(),
            "entityId": { "bsonType": "binData" },
            "sequence": number.clone(),
            "version": number,
            "type": { "bsonType": "string" },
            "at": { "bsonType": "date" },
            "recordedAt": { "bsonType": "date" },
        },
    } }
}
