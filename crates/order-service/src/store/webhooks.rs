//! The collection `webhook_endpoints`: where events are sent, with the secrets that sign them.

use crate::domain::endpoint::{Endpoint, Range};
use common::audit::AuditLog;
use common::events::cursor::FeedCursor;
use common::http::page::{Cursor, Limit};
use common::ids::WebhookId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::webhook::WebhookStatus;
use common::mongo::{StoreError, Transaction, begin_after, ensure_collection, is_duplicate_key, to_document};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::{Collection, Database, IndexModel};
use serde::Deserialize;
use std::time::Duration;

const NAME: &str = "webhook_endpoints";

/// Longest that a question may run in the database.
const MAX_TIME: Duration = Duration::from_secs(4);

/// Most ranges that an endpoint waits to be sent again.
pub const MAX_REPLAYS: usize = 10;

/// What an administrator does to an endpoint, as far as it is written.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// Over the version it was read with, but for what the dispatcher writes.
    Write(&'a Endpoint, Rest),
    /// Once for each identity, where there is room.
    Replay {
        id: WebhookId,
        range: Range,
    },
    Delete(WebhookId),
}

/// The rest that the receiver asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It lasts as long as the dispatcher wrote.
    Kept,
    Over,
}

#[derive(Clone)]
pub struct Webhooks {
    database: Database,
    collection: Collection<Endpoint>,
    audit: AuditLog,
}

impl Webhooks {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            collection: database.collection(NAME),
            audit: AuditLog::new(database),
        }
    }

    pub async fn ensure(&self) -> anyhow::Result<()> {
        let newest = IndexModel::builder().keys(doc! { "createdAt": -1, "_id": -1 }).build();
        ensure_collection(&self.database, NAME, validator(), vec![newest]).await
    }

    /// `false` where there is one of this identity.
    pub async fn insert(&self, endpoint: &Endpoint, event: &AuditEvent) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, MAX_TIME).await?;
        let written = loop {
            let session = transaction.begin().await?;
            let done = match self.collection.insert_one(endpoint).session(&mut *session).await {
                Ok(_) => self.audit.insert(event, session).await,
                Err(failure) => Err(failure),
            };
            if let Some(done) = transaction.end(done).await {
                break done;
            }
        };
        match written {
            Ok(()) => Ok(true),
            Err(failure) if is_duplicate_key(&failure) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes what was done with its entry in the audit trail; `false` where somebody else was first, or there is no
    /// such endpoint, or no room for another range.
    pub async fn change(&self, change: &Change<'_>, event: &AuditEvent) -> Result<bool, StoreError> {
        let written = match change {
            Change::Write(endpoint, rest) => Some(written(endpoint, *rest)?),
            Change::Replay { id, range } => Some(replayed(*id, range)?),
            Change::Delete(_) => None,
        };
        let mut transaction = Transaction::open(&self.database, MAX_TIME).await?;
        loop {
            let session = transaction.begin().await?;
            let changed = match (&written, change) {
                (Some((read, update)), _) => {
                    let changed = self.collection.update_one(read.clone(), update.clone());
                    changed.session(&mut *session).await.map(|changed| changed.matched_count > 0)
                }
                (None, Change::Delete(id)) => {
                    let deleted = self.collection.delete_one(doc! { "_id": *id });
                    deleted.session(&mut *session).await.map(|deleted| deleted.deleted_count > 0)
                }
                (None, _) => Ok(false),
            };
            let done = match changed {
                Ok(true) => self.audit.insert(event, session).await.map(|()| true),
                other => other,
            };
            if let Some(done) = transaction.end(done).await {
                return Ok(done?);
            }
        }
    }

    pub async fn count(&self) -> Result<u64, StoreError> {
        Ok(self.collection.count_documents(doc! {}).max_time(MAX_TIME).await?)
    }

    pub async fn find(&self, id: WebhookId) -> Result<Option<Endpoint>, StoreError> {
        Ok(self.collection.find_one(doc! { "_id": id }).max_time(MAX_TIME).await?)
    }

    /// Newest first, after the cursor.
    pub async fn list(&self, after: Option<Cursor>, limit: Limit) -> Result<Vec<Endpoint>, StoreError> {
        let mut query = Document::new();
        begin_after(&mut query, "createdAt", after);
        let found = self.collection.find(query).sort(newest_first());
        Ok(found.limit(limit.as_i64()).max_time(MAX_TIME).await?.try_collect().await?)
    }

    /// Those that are sent to: few.
    pub async fn active(&self) -> Result<Vec<Endpoint>, StoreError> {
        let found = self.collection.find(doc! { "status": "active" }).max_time(MAX_TIME);
        Ok(found.await?.try_collect().await?)
    }

    /// Of these, those that there are no more.
    pub async fn gone(&self, mut named: Vec<WebhookId>) -> Result<Vec<WebhookId>, StoreError> {
        #[derive(Deserialize)]
        struct There {
            #[serde(rename = "_id")]
            id: WebhookId,
        }
        let endpoints: Collection<There> = self.collection.clone_with_type();
        let found = endpoints.find(doc! {}).projection(doc! { "_id": 1 }).max_time(MAX_TIME);
        let there: Vec<There> = found.await?.try_collect().await?;
        named.retain(|id| there.iter().all(|endpoint| endpoint.id != *id));
        Ok(named)
    }

    /// The feed was taken over up to `to`; `false` where somebody else did so meanwhile.
    pub async fn advance(&self, id: WebhookId, from: FeedCursor, to: FeedCursor) -> Result<bool, StoreError> {
        let read = doc! { "_id": id, "cursor": from.to_string() };
        let taken = doc! { "$set": { "cursor": to.to_string() } };
        Ok(self.collection.update_one(read, taken).await?.matched_count > 0)
    }

    /// A range was taken over up to `to`, or to its end where there is none.
    pub async fn advance_replay(
        &self,
        id: WebhookId,
        range: &Range,
        to: Option<FeedCursor>,
    ) -> Result<(), StoreError> {
        let read = doc! { "_id": id, "replays": { "$elemMatch": { "id": range.id, "after": range.after.to_string() } } };
        let update = match to {
            Some(to) => doc! { "$set": { "replays.$.after": to.to_string() } },
            None => doc! { "$pull": { "replays": { "id": range.id } } },
        };
        self.collection.update_one(read, update).await?;
        Ok(())
    }

    /// Nothing is sent before then, unless it was changed since it was read.
    pub async fn rest(&self, id: WebhookId, read: i64, until: Timestamp) -> Result<(), StoreError> {
        let read = doc! { "_id": id, "version": read };
        self.collection.update_one(read, doc! { "$max": { "restUntil": until } }).await?;
        Ok(())
    }

    /// Nothing is sent any more, until somebody resumes it; unless it was changed since it was read.
    pub async fn disable(&self, id: WebhookId, read: i64, because: &str) -> Result<(), StoreError> {
        let is_same = |found: &Endpoint| found.status == WebhookStatus::Active && found.version == read;
        let Some(endpoint) = self.find(id).await?.filter(is_same) else { return Ok(()) };
        let disabled = Endpoint {
            status: WebhookStatus::Disabled,
            disabled_because: Some(because.to_owned()),
            updated_at: Timestamp::now(),
            ..endpoint
        };
        let subject = AuditSubject::new(SubjectKind::Webhook, id);
        let event = AuditEvent::new(AuditActor::service("order-service"), "webhook.disabled", subject);
        // Whoever changed it meanwhile hears from its receiver again.
        self.change(&Change::Write(&disabled, Rest::Kept), &event.with("because", because)).await.map(drop)
    }
}

fn written(endpoint: &Endpoint, rest: Rest) -> Result<(Document, Document), StoreError> {
    let mut set = to_document(endpoint)?;
    let mut unset = Document::new();
    for dispatched in ["_id", "cursor", "replays", "restUntil"] {
        set.remove(dispatched);
    }
    for optional in ["description", "disabledBecause"] {
        if !set.contains_key(optional) {
            unset.insert(optional, "");
        }
    }
    if rest == Rest::Over {
        unset.insert("restUntil", "");
    }
    set.insert("version", endpoint.version + 1);
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    Ok((doc! { "_id": endpoint.id, "version": endpoint.version }, update))
}

fn replayed(id: WebhookId, range: &Range) -> Result<(Document, Document), StoreError> {
    let full = format!("replays.{}", MAX_REPLAYS - 1);
    let read = doc! { "_id": id, full: { "$exists": false }, "replays.id": { "$ne": range.id } };
    Ok((read, doc! { "$push": { "replays": to_document(range)? } }))
}

pub(super) fn newest_first() -> Document {
    doc! { "createdAt": -1, "_id": -1 }
}

fn validator() -> Document {
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "url", "types", "status", "cursor", "secret", "version", "createdAt", "updatedAt"],
        "properties": {
            "_id": { "bsonType": "binData" },
            "url": { "bsonType": "string" },
            "types": { "bsonType": "array" },
            "status": { "enum": ["active", "paused", "disabled"] },
            "cursor": { "bsonType": "string" },
            "secret": { "bsonType": "string", "pattern": "^whsec_" },
            "version": { "bsonType": "long", "minimum": 1 },
            "createdAt": { "bsonType": "date" },
            "updatedAt": { "bsonType": "date" },
        },
    } }
}
