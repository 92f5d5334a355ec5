//! The collection `api_keys`: what machines may do, and the hash of the secret that proves it. A revoked key stays, for
//! whoever reads the audit trail later.

use common::audit::AuditLog;
use common::http::page::{Cursor, Limit};
use common::ids::ApiKeyId;
use common::models::api_key::{ApiKey, ApiKeyGrant, ApiKeyName, PresentedApiKey};
use common::models::audit::AuditEvent;
use common::models::auth::Scope;
use common::mongo::{StoreError, Transaction, begin_after, ensure_collection, is_duplicate_key};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use mongodb::error::Error;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use subtle::ConstantTimeEq;

const NAME: &str = "api_keys";

/// How exactly it is kept when a key was last used, in milliseconds: a write for every use would cost more than it tells.
const USE_PRECISION_MS: i64 = 60_000;

/// How long a change may take where no request's deadline is known.
const BUDGET: Duration = Duration::from_secs(5);

/// A key as it is stored. It has no `Debug`: nothing of it belongs in a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredApiKey {
    #[serde(rename = "_id")]
    pub id: ApiKeyId,
    pub name: ApiKeyName,
    pub scopes: BTreeSet<Scope>,
    secret_hash: Binary,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl StoredApiKey {
    pub fn new(
        id: ApiKeyId,
        name: ApiKeyName,
        scopes: BTreeSet<Scope>,
        expires_at: Option<Timestamp>,
        secret_hash: [u8; 32],
    ) -> Self {
        Self {
            id,
            name,
            scopes,
            secret_hash: Binary { subtype: BinarySubtype::Generic, bytes: secret_hash.to_vec() },
            created_at: Timestamp::now(),
            expires_at,
            last_used_at: None,
            revoked_at: None,
        }
    }

    /// As administrators see it.
    pub fn into_api_key(self) -> ApiKey {
        ApiKey {
            id: self.id,
            name: self.name,
            scopes: self.scopes,
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        }
    }

    fn is_good(&self, presented: &PresentedApiKey, now: Timestamp) -> bool {
        let hash: String = self.secret_hash.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let is_theirs = bool::from(hash.as_bytes().ct_eq(presented.secret_hash.as_bytes()));
        is_theirs && self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// The keys.
#[derive(Clone)]
pub struct ApiKeyStore {
    database: Database,
    collection: Collection<StoredApiKey>,
    audit: AuditLog,
}

impl ApiKeyStore {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            collection: database.collection(NAME),
            audit: AuditLog::new(database),
        }
    }

    /// Validator and indexes.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let newest_first = doc! { "revokedAt": 1, "createdAt": -1, "_id": -1 };
        let indexes = vec![IndexModel::builder().keys(newest_first).build()];
        ensure_collection(&self.database, NAME, validator(), indexes).await
    }

    /// Stores a new key; `false` where there is one with this identity.
    pub async fn insert(&self, key: &StoredApiKey, event: &AuditEvent) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        let inserted = loop {
            let done = self.insert_within(key, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                break done;
            }
        };
        match inserted {
            Ok(()) => Ok(true),
            Err(error) if is_duplicate_key(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn insert_within(
        &self,
        key: &StoredApiKey,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<(), Error> {
        self.collection.insert_one(key).session(&mut *session).await?;
        self.audit.insert(event, session).await
    }

    /// A key that is not revoked.
    pub async fn find(&self, id: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        Ok(self.collection.find_one(doc! { "_id": id, "revokedAt": Bson::Null }).await?)
    }

    /// Those that are not revoked, newest first.
    pub async fn list(&self, after: Option<Cursor>, limit: Limit) -> Result<Vec<StoredApiKey>, StoreError> {
        let mut filter = doc! { "revokedAt": Bson::Null };
        begin_after(&mut filter, "createdAt", after);
        let found = self
            .collection
            .find(filter)
            .sort(doc! { "createdAt": -1, "_id": -1 })
            .limit(limit.as_i64() + 1)
            .max_time(Duration::from_secs(5));
        Ok(found.await?.try_collect().await?)
    }

    /// Ends a key for good; `false` where there is none to end.
    pub async fn revoke(&self, id: ApiKeyId, event: &AuditEvent) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        loop {
            let done = self.revoke_within(id, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                return Ok(done?);
            }
        }
    }

    async fn revoke_within(
        &self,
        id: ApiKeyId,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        let good = doc! { "_id": id, "revokedAt": Bson::Null };
        let set = doc! { "$set": { "revokedAt": event.at } };
        let updated = self.collection.update_one(good, set).session(&mut *session).await?;
        if updated.matched_count == 1 {
            self.audit.insert(event, session).await?;
        }
        Ok(updated.matched_count == 1)
    }

    /// What the presented key may do, if it is good; also notes that it was used.
    pub async fn verify(&self, presented: &PresentedApiKey) -> Result<Option<ApiKeyGrant>, StoreError> {
        let now = Timestamp::now();
        let found = self.collection.find_one(doc! { "_id": presented.id }).await?;
        let Some(key) = found.filter(|key| key.is_good(presented, now)) else { return Ok(None) };
        let minute = Timestamp::from_millis(now.as_millis() - now.as_millis().rem_euclid(USE_PRECISION_MS));
        if key.last_used_at.is_none_or(|last| last < minute) {
            let used = doc! { "$max": { "lastUsedAt": minute } };
            self.collection.update_one(doc! { "_id": key.id }, used).await?;
        }
        Ok(Some(ApiKeyGrant { id: key.id, scopes: key.scopes, expires_at: key.expires_at }))
    }
}

fn validator() -> Document {
    let scopes: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "name", "scopes", "secretHash", "createdAt"],
        "properties": {
            "_id": { "bsonType": "binData" },
            "name": { "bsonType": "string" },
            "scopes": { "bsonType": "array", "minItems": 1, "items": { "enum": scopes } },
            "secretHash": { "bsonType": "binData" },
            "createdAt": { "bsonType": "date" },
            "expiresAt": { "bsonType": "date" },
            "lastUsedAt": { "bsonType": "date" },
            "revokedAt": { "bsonType": "date" },
        },
    } }
}
