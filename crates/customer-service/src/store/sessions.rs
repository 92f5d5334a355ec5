//! The collection `sessions`: one document for each log-in; MongoDB deletes it some time after it has expired.

use crate::domain::session::Session;
use common::ids::{CustomerId, SessionId};
use common::mongo::{StoreError, ensure_collection};
use common::time::Timestamp;
use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use mongodb::options::{IndexOptions, ReadConcern};
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const NAME: &str = "sessions";

/// A session as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionDocument {
    #[serde(rename = "_id")]
    id: SessionId,
    customer_id: CustomerId,
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

/// The sessions.
#[derive(Clone)]
pub struct Sessions {
    database: Database,
    collection: Collection<SessionDocument>,
}

impl Sessions {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), collection: database.collection(NAME) }
    }

    /// Validator and indexes.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let at_expiry = IndexOptions::builder().expire_after(Duration::ZERO).build();
        let indexes = vec![IndexModel::builder().keys(doc! { "expiresAt": 1 }).options(at_expiry).build()];
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
