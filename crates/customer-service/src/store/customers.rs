//! The collection `customers`: one document for each account, unique by address without regard to case.

use super::account::Account;
use super::sessions::Sessions;
use common::audit::AuditLog;
use common::ids::{CustomerId, SessionId};
use common::models::audit::AuditEvent;
use common::models::auth::Role;
use common::mongo::{StoreError, Transaction, ensure_collection, find_surely, is_duplicate_key};
use common::text::Email;
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::{IndexOptions, ReadConcern, ReturnDocument};
use mongodb::{ClientSession, Collection, Database, IndexModel};
use std::time::Duration;

pub(super) const NAME: &str = "customers";

/// Longest that a change may take where no request's deadline is known.
pub(super) const BUDGET: Duration = Duration::from_secs(5);

/// What came of a write to an account.
pub enum Changed {
    Done(Box<Account>),
    /// Someone else changed it since it was read, or it is gone.
    Stale,
    EmailTaken,
}

/// Which sessions of an account end with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoke {
    None,
    All,
    AllBut(SessionId),
}

/// The accounts.
#[derive(Clone)]
pub struct Customers {
    pub(super) database: Database,
    pub(super) collection: Collection<Account>,
    audit: AuditLog,
    sessions: Sessions,
}

impl Customers {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            collection: database.collection(NAME),
            audit: AuditLog::new(database),
            sessions: Sessions::new(database),
        }
    }

    /// Validator and indexes.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let unique = IndexOptions::builder().unique(true).build();
        let only_due =
            IndexOptions::builder().partial_filter_expression(doc! { "erasure.due": true }).build();
        let indexes = vec![
            IndexModel::builder().keys(doc! { "emailKey": 1 }).options(unique).build(),
            IndexModel::builder().keys(doc! { "createdAt": -1, "_id": -1 }).build(),
            IndexModel::builder().keys(doc! { "status": 1, "createdAt": -1, "_id": -1 }).build(),
            IndexModel::builder().keys(doc! { "nameKey": 1, "_id": 1 }).build(),
            IndexModel::builder().keys(super::events::by_change()).build(),
            IndexModel::builder().keys(doc! { "erasure.at": 1 }).options(only_due).build(),
        ];
        ensure_collection(&self.database, NAME, validator(), indexes).await
    }

    /// Stores a new account; `false` where its identity or its address is taken.
    pub async fn insert(&self, account: &Account, event: &AuditEvent) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        let inserted = loop {
            let done = self.insert_within(account, event, transaction.begin().await?).await;
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
        account: &Account,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<(), Error> {
        self.collection.insert_one(account).session(&mut *session).await?;
        self.audit.insert(event, session).await
    }

    pub async fn find(&self, id: CustomerId) -> Result<Option<Account>, StoreError> {
        Ok(self.collection.find_one(doc! { "_id": id }).await?)
    }

    /// The account, or for certain none.
    pub async fn find_surely(&self, id: CustomerId) -> Result<Option<Account>, StoreError> {
        Ok(find_surely(&self.collection, id, Duration::from_secs(5)).await?)
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

    /// All accounts by their identities, a page at a time, without what somebody logs in with.
    pub async fn page_by_id(
        &self,
        after: Option<CustomerId>,
        limit: i64,
    ) -> Result<Vec<Account>, StoreError> {
        let query = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
        let found = self.collection.find(query).sort(doc! { "_id": 1 }).limit(limit);
        let shown = found.projection(doc! { "passwordHash": 0, "fingerprint": 0, "addresses": 0 });
        Ok(shown.max_time(Duration::from_secs(4)).await?.try_collect().await?)
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

    /// Changes the version that was read, tells the audit trail and ends sessions, all or nothing.
    pub(super) async fn write(
        &self,
        account: &Account,
        update: Document,
        revoke: Revoke,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        loop {
            let session = transaction.begin().await?;
            let done = self.write_within(account, update.clone(), revoke, event, session).await;
            if let Some(done) = transaction.end(done).await {
                return written_as(done);
            }
        }
    }

    /// [`Customers::write`] as a part of a larger transaction; `None` where the account has changed since it was read.
    pub(super) async fn write_within(
        &self,
        account: &Account,
        mut update: Document,
        revoke: Revoke,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<Option<Account>, Error> {
        update.insert("$inc", doc! { "version": 1_i64 });
        if revoke != Revoke::None
            && let Ok(set) = update.get_document_mut("$set")
        {
            // A moment later than now: a refresh may be ahead of the sessions' end below. A younger token that this
            // meets as well is renewed by its bearer.
            set.insert("sessionsRevokedAt", Timestamp::now().plus_millis(1000));
        }
        let updated = self
            .collection
            .find_one_and_update(doc! { "_id": account.id, "version": account.version }, update)
            .return_document(ReturnDocument::After)
            .session(&mut *session)
            .await?;
        if updated.is_some() {
            match revoke {
                Revoke::None => {}
                Revoke::All => self.sessions.revoke_all(account.id, None, event.at, session).await?,
                Revoke::AllBut(kept) => {
                    self.sessions.revoke_all(account.id, Some(kept), event.at, session).await?;
                }
            }
            self.audit.insert(event, session).await?;
        }
        Ok(updated)
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

/// What came of a write within a transaction.
pub(super) fn written_as(written: Result<Option<Account>, Error>) -> Result<Changed, StoreError> {
    match written {
        Ok(Some(account)) => Ok(Changed::Done(Box::new(account))),
        Ok(None) => Ok(Changed::Stale),
        Err(error) if is_duplicate_key(&error) => Ok(Changed::EmailTaken),
        Err(error) => Err(error.into()),
    }
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
            "_id", "email", "emailKey", "name", "nameKey", "role", "status", "version", "createdAt", "updatedAt",
        ],
        "properties": {
            "_id": { "bsonType": "binData" },
            "email": { "bsonType": "string" },
            "emailKey": { "bsonType": "string" },
            "emailVerifiedAt": { "bsonType": "date" },
            "name": { "bsonType": "string" },
            "nameKey": { "bsonType": "string" },
            "phone": { "bsonType": "string" },
            "marketingConsent": { "bsonType": "bool" },
            "marketingConsentAt": { "bsonType": "date" },
            "addresses": { "bsonType": "array", "maxItems": 50 },
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
