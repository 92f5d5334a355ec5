//! The collection `sessions`: one document for each log-in; MongoDB deletes it some time after it has expired.

use crate::domain::session::Session;
use common::audit::AuditLog;
use common::http::page::{Cursor, Limit};
use common::ids::{CustomerId, SessionId};
use common::models::audit::AuditEvent;
use common::models::auth::Device;
use common::mongo::{StoreError, Transaction, begin_after, ensure_collection};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use mongodb::error::Error;
use mongodb::options::{IndexOptions, ReadConcern};
use mongodb::{ClientSession, Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) const NAME: &str = "sessions";

/// Longest that a change may take where no request's deadline is known.
const BUDGET: Duration = Duration::from_secs(5);

/// A session as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionDocument {
    #[serde(rename = "_id")]
    id: SessionId,
    customer_id: CustomerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<Device>,
    current_hash: Binary,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_hash: Option<Binary>,
    salt: Binary,
    rotated_at: Timestamp,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
}

/// A session by its name alone.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "_id")]
    id: SessionId,
}

/// The sessions.
#[derive(Clone)]
pub struct Sessions {
    database: Database,
    collection: Collection<SessionDocument>,
    audit: AuditLog,
}

impl Sessions {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            collection: database.collection(NAME),
            audit: AuditLog::new(database),
        }
    }

    /// Validator and indexes.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let at_expiry = IndexOptions::builder().expire_after(Duration::ZERO).build();
        let indexes = vec![
            IndexModel::builder().keys(doc! { "expiresAt": 1 }).options(at_expiry).build(),
            IndexModel::builder().keys(doc! { "customerId": 1, "createdAt": -1, "_id": -1 }).build(),
        ];
        ensure_collection(&self.database, NAME, validator(), indexes).await
    }

    pub async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        self.collection.insert_one(to_stored(session)).await?;
        Ok(())
    }

    pub async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.collection.find_one(doc! { "_id": id }).await?.map(from_stored).transpose()
    }

    /// The session with everything that was written before this call, once a majority has it. A majority read alone may
    /// see an older one, while a write is on its way or just after an election.
    pub async fn find_settled(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let found = self
            .collection
            .find_one(doc! { "_id": id })
            .read_concern(ReadConcern::linearizable())
            .max_time(Duration::from_secs(5));
        found.await?.map(from_stored).transpose()
    }

    /// Replaces the session that was read by its successor; `false` where another refresh was first or it was revoked.
    pub async fn rotate(&self, read: &Session, rotated: &Session) -> Result<bool, StoreError> {
        let unchanged =
            doc! { "_id": read.id, "currentHash": bytes(&read.current_hash), "revokedAt": Bson::Null };
        let set = doc! {
            "currentHash": bytes(&rotated.current_hash),
            "previousHash": bytes(&read.current_hash),
            "rotatedAt": rotated.rotated_at,
            "lastUsedAt": rotated.last_used_at,
            "expiresAt": rotated.expires_at,
        };
        let updated = self.collection.update_one(unchanged, doc! { "$set": set }).await?;
        Ok(updated.matched_count == 1)
    }

    /// The sessions of a customer that have not ended, newest first; one more than the limit where there are more.
    pub async fn list_open(
        &self,
        customer: CustomerId,
        now: Timestamp,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Vec<Session>, StoreError> {
        let mut filter =
            doc! { "customerId": customer, "revokedAt": Bson::Null, "expiresAt": { "$gt": now } };
        begin_after(&mut filter, "createdAt", after);
        let found = self
            .collection
            .find(filter)
            .sort(doc! { "createdAt": -1, "_id": -1 })
            .limit(limit.as_i64() + 1)
            .max_time(Duration::from_secs(5));
        let found: Vec<SessionDocument> = found.await?.try_collect().await?;
        found.into_iter().map(from_stored).collect()
    }

    /// All that are held of a customer, also those that have ended, newest first; at most a thousand.
    pub async fn of_customer(&self, customer: CustomerId) -> Result<Vec<Session>, StoreError> {
        let found = self
            .collection
            .find(doc! { "customerId": customer })
            .sort(doc! { "createdAt": -1, "_id": -1 })
            .limit(1_000)
            .max_time(Duration::from_secs(4));
        let found: Vec<SessionDocument> = found.await?.try_collect().await?;
        found.into_iter().map(from_stored).collect()
    }

    /// The sessions of a customer that have ended since then; at most a thousand.
    pub async fn ended_since(
        &self,
        customer: CustomerId,
        since: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let names = self.collection.clone_with_type::<Named>();
        let found = names
            .find(doc! { "customerId": customer, "revokedAt": { "$gt": since } })
            .projection(doc! { "_id": 1 })
            .limit(1_000)
            .max_time(Duration::from_secs(4));
        Ok(found.await?.map_ok(|session| session.id).try_collect().await?)
    }

    /// Ends one session of a customer; `false` where they have none of this identity.
    pub async fn end(
        &self,
        customer: CustomerId,
        id: SessionId,
        event: &AuditEvent,
    ) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        loop {
            let done = self.end_within(customer, id, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                return Ok(done?);
            }
        }
    }

    async fn end_within(
        &self,
        customer: CustomerId,
        id: SessionId,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        let open = doc! { "_id": id, "customerId": customer, "revokedAt": Bson::Null };
        let set = doc! { "$set": { "revokedAt": event.at } };
        let updated = self.collection.update_one(open, set).session(&mut *session).await?;
        if updated.matched_count == 1 {
            self.audit.insert(event, session).await?;
            return Ok(true);
        }
        let theirs = doc! { "_id": id, "customerId": customer };
        Ok(self.collection.find_one(theirs).session(session).await?.is_some())
    }

    /// Ends every session of a customer; access tokens issued until now place no more orders.
    pub async fn end_all(&self, customer: CustomerId, event: &AuditEvent) -> Result<(), StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        loop {
            let done = self.end_all_within(customer, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                return Ok(done?);
            }
        }
    }

    async fn end_all_within(
        &self,
        customer: CustomerId,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<(), Error> {
        self.revoke_all(customer, None, event.at, session).await?;
        // Taken only now: no refresh gets past what was just written, so that no token is younger.
        let set = doc! { "$set": { "sessionsRevokedAt": Timestamp::now() } };
        let accounts = self.database.collection::<Document>(super::customers::NAME);
        accounts.update_one(doc! { "_id": customer }, set).session(&mut *session).await?;
        self.audit.insert(event, session).await
    }

    /// Ends all sessions of an account, or all but one, within the transaction that makes it necessary.
    pub(super) async fn revoke_all(
        &self,
        customer: CustomerId,
        but: Option<SessionId>,
        now: Timestamp,
        session: &mut ClientSession,
    ) -> Result<(), Error> {
        let mut open = doc! { "customerId": customer, "revokedAt": Bson::Null };
        if let Some(kept) = but {
            open.insert("_id", doc! { "$ne": kept });
        }
        self.collection.update_many(open, doc! { "$set": { "revokedAt": now } }).session(session).await?;
        Ok(())
    }

    /// Ends a session for good; one that has ended, or that never was, stays as it is.
    pub async fn revoke(&self, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let open = doc! { "_id": id, "revokedAt": Bson::Null };
        self.collection.update_one(open, doc! { "$set": { "revokedAt": now } }).await?;
        Ok(())
    }
}

fn bytes(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

fn fixed<const N: usize>(stored: Binary) -> Result<[u8; N], StoreError> {
    stored
        .bytes
        .try_into()
        .map_err(|_| StoreError::Corrupt(format!("a session's secret is not {N} bytes long")))
}

fn to_stored(session: &Session) -> SessionDocument {
    SessionDocument {
        id: session.id,
        customer_id: session.customer_id,
        device: session.device.clone(),
        current_hash: bytes(&session.current_hash),
        previous_hash: session.previous_hash.as_ref().map(|hash| bytes(hash)),
        salt: bytes(&session.salt),
        rotated_at: session.rotated_at,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
        revoked_at: session.revoked_at,
    }
}

fn from_stored(stored: SessionDocument) -> Result<Session, StoreError> {
    Ok(Session {
        id: stored.id,
        customer_id: stored.customer_id,
        device: stored.device,
        current_hash: fixed(stored.current_hash)?,
        previous_hash: stored.previous_hash.map(fixed).transpose()?,
        salt: fixed(stored.salt)?,
        rotated_at: stored.rotated_at,
        created_at: stored.created_at,
        last_used_at: stored.last_used_at,
        expires_at: stored.expires_at,
        revoked_at: stored.revoked_at,
    })
}

fn validator() -> Document {
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": [
            "_id", "customerId", "currentHash", "salt", "rotatedAt", "createdAt", "lastUsedAt", "expiresAt",
        ],
        "properties": {
            "_id": { "bsonType": "binData" },
            "customerId": { "bsonType": "binData" },
            "device": { "bsonType": "string" },
            "currentHash": { "bsonType": "binData" },
            "previousHash": { "bsonType": "binData" },
            "salt": { "bsonType": "binData" },
            "rotatedAt": { "bsonType": "date" },
            "createdAt": { "bsonType": "date" },
            "lastUsedAt": { "bsonType": "date" },
            "expiresAt": { "bsonType": "date" },
            "revokedAt": { "bsonType": "date" },
        },
    } }
}
