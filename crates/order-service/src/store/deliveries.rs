//! The collection `deliveries`: events on their way to endpoints, each with every try that was made.

use super::webhooks::newest_first;
use common::http::page::{Cursor, Limit};
use common::ids::{DeliveryId, EventId, WebhookId};
use common::models::event::Entity;
use common::models::webhook::{Attempt, Delivery, DeliveryState};
use common::mongo::{StoreError, begin_after, ensure_collection, to_document};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const NAME: &str = "deliveries";

/// Longest that a question may run in the database.
const MAX_TIME: Duration = Duration::from_secs(4);

/// Tries that are remembered.
const REMEMBERED: i32 = 20;

/// A delivery as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredDelivery {
    #[serde(rename = "_id")]
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    /// The event's position in its log: an endpoint's deliveries of one entity are sent in this order.
    pub number: i64,
    pub event_id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    pub state: DeliveryState,
    #[serde(default)]
    pub body: String,
    /// Tries since it last became due.
    pub tries: i64,
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// When it is forgotten, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl StoredDelivery {
    /// Without the body where it was not read.
    pub fn into_shown(self) -> Delivery {
        Delivery {
            id: self.id,
            webhook_id: self.webhook_id,
            event_id: self.event_id,
            kind: self.kind,
            entity: self.entity,
            state: self.state,
            body: Some(self.body).filter(|body| !body.is_empty()),
            attempts: self.attempts,
            next_attempt_at: self.next_attempt_at,
            created_at: self.created_at,
        }
    }
}

/// A delivery that is to be sent, as far as its order and its time go.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    #[serde(rename = "_id")]
    pub id: DeliveryId,
    #[serde(default)]
    pub entity: Option<Entity>,
    #[serde(default)]
    pub next_attempt_at: Option<Timestamp>,
}

/// What became of a delivery by a try.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    Delivered { forget_at: Timestamp },
    Again { at: Timestamp },
    Dead { forget_at: Timestamp },
}

#[derive(Clone)]
pub struct Deliveries {
    database: Database,
    collection: Collection<StoredDelivery>,
}

impl Deliveries {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), collection: database.collection(NAME) }
    }

    pub async fn ensure(&self) -> anyhow::Result<()> {
        let forgotten = IndexOptions::builder().expire_after(Duration::ZERO).build();
        let indexes = vec![
            // With all that is asked of those that wait: no document is read for it.
            IndexModel::builder()
                .keys(doc! { "webhookId": 1, "state": 1, "number": 1, "_id": 1, "entity": 1, "nextAttemptAt": 1 })
                .build(),
            IndexModel::builder().keys(doc! { "webhookId": 1, "createdAt": -1, "_id": -1 }).build(),
            IndexModel::builder()
                .keys(doc! { "webhookId": 1, "state": 1, "createdAt": -1, "_id": -1 })
                .build(),
            IndexModel::builder().keys(doc! { "expiresAt": 1 }).options(forgotten).build(),
        ];
        ensure_collection(&self.database, NAME, validator(), indexes).await
    }

    /// Adds what is not there yet.
    pub async fn add(&self, deliveries: &[StoredDelivery]) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let Err(error) = self.collection.insert_many(deliveries).ordered(false).await else { return Ok(()) };
        if let ErrorKind::InsertMany(failure) = error.kind.as_ref() {
            let is_there = failure.write_errors.iter().flatten().all(|failed| failed.code == 11000);
            if is_there && failure.write_concern_error.is_none() {
                return Ok(());
            }
        }
        Err(error.into())
    }

    /// What is to be sent to an endpoint, due or not, in its order.
    pub async fn waiting(&self, webhook: WebhookId, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let waiting: Collection<Waiting> = self.collection.clone_with_type();
        let query = doc! { "webhookId": webhook, "state": "pending" };
        let found = waiting.find(query).sort(doc! { "number": 1, "_id": 1 }).limit(limit);
        let brief = doc! { "_id": 1, "entity": 1, "nextAttemptAt": 1 };
        Ok(found.projection(brief).max_time(MAX_TIME).await?.try_collect().await?)
    }

    /// The endpoints that have deliveries, by one look for each.
    pub async fn webhooks(&self) -> Result<Vec<WebhookId>, StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Next {
            webhook_id: WebhookId,
        }
        let deliveries: Collection<Next> = self.collection.clone_with_type();
        let (mut named, mut query) = (Vec::new(), doc! {});
        loop {
            let next = deliveries.find_one(query).sort(doc! { "webhookId": 1 });
            let next = next.projection(doc! { "_id": 0, "webhookId": 1 }).max_time(MAX_TIME).await?;
            let Some(Next { webhook_id }) = next else { return Ok(named) };
            named.push(webhook_id);
            query = doc! { "webhookId": { "$gt": webhook_id } };
        }
    }

    pub async fn find(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, StoreError> {
        Ok(self.collection.find_one(doc! { "_id": id }).max_time(MAX_TIME).await?)
    }

    /// Newest first, after the cursor; without what was sent and answered, which may be large.
    pub async fn list(
        &self,
        webhook: WebhookId,
        state: Option<DeliveryState>,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Vec<StoredDelivery>, StoreError> {
        let mut query = doc! { "webhookId": webhook };
        if let Some(state) = state {
            query.insert("state", name_of(state));
        }
        begin_after(&mut query, "createdAt", after);
        let found = self.collection.find(query).sort(newest_first());
        let found = found.projection(doc! { "body": 0, "attempts.answer": 0 });
        Ok(found.limit(limit.as_i64()).max_time(MAX_TIME).await?.try_collect().await?)
    }

    /// Writes down a try and what follows from it.
    pub async fn record(
        &self,
        id: DeliveryId,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let mut set = Document::new();
        let mut unset = Document::new();
        match outcome {
            Outcome::Again { at } => {
                set.insert("nextAttemptAt", Bson::from(at));
            }
            Outcome::Delivered { forget_at } => {
                set.extend(doc! { "state": "delivered", "expiresAt": forget_at });
                unset.insert("nextAttemptAt", "");
            }
            Outcome::Dead { forget_at } => {
                set.extend(doc! { "state": "dead", "expiresAt": forget_at });
                unset.insert("nextAttemptAt", "");
            }
        }
        let mut update = doc! {
            "$set": set,
            "$inc": { "tries": 1_i64 },
            "$push": { "attempts": { "$each": [to_document(attempt)?], "$slice": -REMEMBERED } },
        };
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        // What was delivered stays so, whoever else tried it.
        self.collection.update_one(doc! { "_id": id, "state": "pending" }, update).await?;
        Ok(())
    }

    /// Everything that was given up is due again.
    pub async fn revive(&self, webhook: WebhookId) -> Result<u64, StoreError> {
        let due = doc! {
            "$set": { "state": "pending", "tries": 0_i64, "nextAttemptAt": Bson::from(Timestamp::now()) },
            "$unset": { "expiresAt": "" },
        };
        let dead = doc! { "webhookId": webhook, "state": "dead" };
        Ok(self.collection.update_many(dead, due).await?.modified_count)
    }

    /// Everything of an endpoint that is no more.
    pub async fn forget(&self, webhook: WebhookId) -> Result<(), StoreError> {
        self.collection.delete_many(doc! { "webhookId": webhook }).await?;
        Ok(())
    }
}

const fn name_of(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Dead => "dead",
    }
}

fn validator() -> Document {
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "webhookId", "number", "eventId", "type", "state", "body", "tries", "createdAt"],
        "properties": {
            "_id": { "bsonType": "binData" },
            "webhookId": { "bsonType": "binData" },
            "number": { "bsonType": "long" },
            "eventId": { "bsonType": "binData" },
            "type": { "bsonType": "string" },
            "state": { "enum": ["pending", "delivered", "dead"] },
            "body": { "bsonType": "string" },
            "tries": { "bsonType": "long" },
            "nextAttemptAt": { "bsonType": "date" },
            "createdAt": { "bsonType": "date" },
            "expiresAt": { "bsonType": "date" },
        },
    } }
}
