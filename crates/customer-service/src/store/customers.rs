//! The collection `customers`: one document for each account, unique by address without regard to case.

use common::http::page::{Cursor, Limit};
use common::ids::CustomerId;
use common::models::auth::Role;
use common::models::customer::{Customer, CustomerChange, CustomerStanding, CustomerStatus, PersonName};
use common::mongo::{StoreError, ensure_collection, is_duplicate_key};
use common::text::Email;
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use mongodb::options::{IndexOptions, ReadConcern, ReturnDocument};
use mongodb::{Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const NAME: &str = "customers";

/// An account as it is stored. It has no `Debug`: nothing of it belongs in a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    #[serde(rename = "_id")]
    pub id: CustomerId,
    pub email: Email,
    /// [`Email::key`] of the address: unique.
    pub email_key: String,
    pub name: PersonName,
    /// A PHC string; absent: nobody can log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    pub role: Role,
    pub status: CustomerStatus,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When its owner logged out everywhere, or was logged out, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_revoked_at: Option<Timestamp>,
    /// Of the request that made it under an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Binary>,
}

impl Account {
    pub fn is_active(&self) -> bool {
        self.status == CustomerStatus::Active
    }

    /// The hash that a log-in is checked against: none where nobody may log in.
    pub fn login_hash(&self) -> Option<String> {
        self.password_hash.clone().filter(|_| self.is_active())
    }

    /// Whether a request with this fingerprint made the account.
    pub fn was_made_by(&self, fingerprint: &[u8; 32]) -> bool {
        self.fingerprint.as_ref().is_some_and(|stored| stored.bytes == fingerprint)
    }

    /// As its owner and staff see it.
    pub fn into_customer(self) -> Customer {
        Customer {
            id: self.id,
            email: self.email,
            name: self.name,
            role: self.role,
            status: self.status,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// As the other services see it.
    pub fn standing(&self) -> CustomerStanding {
        CustomerStanding { id: self.id, status: self.status, tokens_not_before: self.sessions_revoked_at }
    }
}

/// A fingerprint as it is stored.
pub fn stored_fingerprint(fingerprint: [u8; 32]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: fingerprint.to_vec() }
}

/// What came of a write to an account.
pub enum Changed {
    Done(Box<Account>),
    /// Someone else changed it since it was read, or it is gone.
    Stale,
    EmailTaken,
}

/// A page of accounts and where the next one begins.
pub struct Page {
    pub accounts: Vec<Account>,
    pub next: Option<Cursor>,
}

/// The accounts.
#[derive(Clone)]
pub struct Customers {
    database: Database,
    collection: Collection<Account>,
}

impl Customers {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), collection: database.collection(NAME) }
    }

    /// Validator and indexes.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let unique = IndexOptions::builder().unique(true).build();
        let indexes = vec![
            IndexModel::builder().keys(doc! { "emailKey": 1 }).options(unique).build(),
            IndexModel::builder().keys(doc! { "createdAt": -1, "_id": -1 }).build(),
        ];
        ensure_collection(&self.database, NAME, validator(), indexes).await
    }

    /// Stores a new account; `false` where its identity or its address is taken.
    pub async fn insert(&self, account: &Account) -> Result<bool, StoreError> {
        match self.collection.insert_one(account).await {
            Ok(_) => Ok(true),
            Err(error) if is_duplicate_key(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn find(&self, id: CustomerId) -> Result<Option<Account>, StoreError> {
        Ok(self.collection.find_one(doc! { "_id": id }).await?)
    }

    /// The account, with everything that was written before this call, once a majority has it: after a duplicate key
    /// the document that was met may be too young for a majority read to see.
    pub async fn find_settled(&self, id: CustomerId) -> Result<Option<Account>, StoreError> {
        let found = self
            .collection
            .find_one(doc! { "_id": id })
            .read_concern(ReadConcern::linearizable())
            .max_time(Duration::from_secs(5));
        Ok(found.await?)
    }

    pub async fn find_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        Ok(self.collection.find_one(doc! { "emailKey": email.key() }).await?)
    }

    /// Newest first.
    pub async fn list(
        &self,
        email: Option<&Email>,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page, StoreError> {
        let found = self
            .collection
            .find(list_filter(email, after))
            .sort(doc! { "createdAt": -1, "_id": -1 })
            .limit(limit.as_i64() + 1)
            .max_time(Duration::from_secs(5));
        let mut accounts: Vec<Account> = found.await?.try_collect().await?;
        let has_more = accounts.len() > usize::from(limit.get());
        accounts.truncate(limit.get().into());
        let last = accounts.last().map(|last| Cursor { at: last.created_at, id: last.id.uuid() });
        Ok(Page { accounts, next: last.filter(|_| has_more) })
    }

    /// Changes the version that was read.
    pub async fn change(
        &self,
        id: CustomerId,
        version: i64,
        change: &CustomerChange,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let mut set = doc! { "updatedAt": now };
        if let Some(email) = &change.email {
            set.insert("email", email.as_str());
            set.insert("emailKey", email.key());
        }
        if let Some(name) = &change.name {
            set.insert("name", name.as_str());
        }
        self.update(id, version, set).await
    }

    /// Gives the version that was read another role.
    pub async fn change_role(
        &self,
        id: CustomerId,
        version: i64,
        role: Role,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        self.update(id, version, doc! { "role": name_of(role), "updatedAt": now }).await
    }

    async fn update(&self, id: CustomerId, version: i64, set: Document) -> Result<Changed, StoreError> {
        let updated = self
            .collection
            .find_one_and_update(
                doc! { "_id": id, "version": version },
                doc! { "$set": set, "$inc": { "version": 1_i64 } },
            )
            .return_document(ReturnDocument::After);
        match updated.await {
            Ok(Some(account)) => Ok(Changed::Done(Box::new(account))),
            Ok(None) => Ok(Changed::Stale),
            Err(error) if is_duplicate_key(&error) => Ok(Changed::EmailTaken),
            Err(error) => Err(error.into()),
        }
    }
}

fn list_filter(email: Option<&Email>, after: Option<Cursor>) -> Document {
    let mut filter = doc! {};
    if let Some(email) = email {
        filter.insert("emailKey", email.key());
    }
    if let Some(after) = after {
        // The first condition bounds the index scan, the second tells equal times apart.
        filter.insert("createdAt", doc! { "$lte": after.at });
        filter.insert(
            "$or",
            vec![
                doc! { "createdAt": { "$lt": after.at } },
                doc! { "_id": { "$lt": CustomerId::from_uuid(after.id) } },
            ],
        );
    }
    filter
}

const fn name_of(role: Role) -> &'static str {
    match role {
        Role::Customer => "customer",
        Role::Staff => "staff",
        Role::Admin => "admin",
    }
}

fn validator() -> Document {
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": [
            "_id", "email", "emailKey", "name", "role", "status", "version", "createdAt", "updatedAt",
        ],
        "properties": {
            "_id": { "bsonType": "binData" },
            "email": { "bsonType": "string" },
            "emailKey": { "bsonType": "string" },
            "name": { "bsonType": "string" },
            "passwordHash": { "bsonType": "string", "pattern": "^\\$argon2id\\$" },
            "role": { "enum": ["customer", "staff", "admin"] },
            "status": { "enum": ["active", "deactivated"] },
            "version": { "bsonType": "long", "minimum": 1 },
            "createdAt": { "bsonType": "date" },
            "updatedAt": { "bsonType": "date" },
            "sessionsRevokedAt": { "bsonType": "date" },
            "fingerprint": { "bsonType": "binData" },
        },
    } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_written_as_it_is_read() {
        for role in [Role::Customer, Role::Staff, Role::Admin] {
            assert_eq!(serde_json::to_value(role).unwrap(), name_of(role));
        }
    }
}
