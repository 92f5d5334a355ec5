//! The collection `mail_tokens`: the hashes of the tokens that stand in mails; MongoDB deletes them when they expire.

use super::account::Account;
use super::customers::{BUDGET, Changed, Customers, Revoke, written_as};
use crate::domain::mail_token::{Purpose, TokenHash};
use common::ids::CustomerId;
use common::models::audit::AuditEvent;
use common::mongo::{StoreError, Transaction, ensure_collection};
use common::time::Timestamp;
use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use mongodb::error::Error;
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) const NAME: &str = "mail_tokens";

/// A token as it is stored: what it opens, and for whom.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredToken {
    #[serde(rename = "_id")]
    hash: Binary,
    purpose: String,
    pub customer_id: CustomerId,
    /// Of the address that the mail went to: a token proves nothing about another one.
    pub email_key: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The tokens.
#[derive(Clone)]
pub struct MailTokens {
    database: Database,
    collection: Collection<StoredToken>,
    customers: Customers,
}

impl MailTokens {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            collection: database.collection(NAME),
            customers: Customers::new(database),
        }
    }

    /// Validator and indexes.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let at_expiry = IndexOptions::builder().expire_after(Duration::ZERO).build();
        let indexes = vec![
            IndexModel::builder().keys(doc! { "expiresAt": 1 }).options(at_expiry).build(),
            IndexModel::builder().keys(doc! { "customerId": 1 }).build(),
        ];
        ensure_collection(&self.database, NAME, validator(), indexes).await
    }

    /// Keeps a new token in place of those of the same purpose that were sent before.
    pub async fn replace(
        &self,
        hash: TokenHash,
        purpose: Purpose,
        account: &Account,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let token = StoredToken {
            hash: stored(hash),
            purpose: purpose.name().to_owned(),
            customer_id: account.id,
            email_key: account.email_key.clone(),
            created_at: now,
            expires_at: now.plus_millis(purpose.lifetime_ms()),
        };
        self.collection.delete_many(doc! { "customerId": account.id, "purpose": purpose.name() }).await?;
        self.collection.insert_one(token).await?;
        Ok(())
    }

    /// The token, if it is still good. Expired ones may not be deleted yet.
    pub async fn find(
        &self,
        hash: TokenHash,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<StoredToken>, StoreError> {
        Ok(self.collection.find_one(good(hash, purpose, now)).await?)
    }

    /// Uses the token up and marks its address as verified; `Stale` where it was used up or the account changed.
    pub async fn verify_email(
        &self,
        hash: TokenHash,
        account: &Account,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        let set = doc! { "emailVerifiedAt": event.at, "updatedAt": event.at };
        self.use_up(hash, Purpose::VerifyEmail, account, set, Revoke::None, event).await
    }

    /// Uses the token up, replaces the password and ends every session. The link came by mail: the address is verified.
    pub async fn reset_password(
        &self,
        hash: TokenHash,
        account: &Account,
        password_hash: &str,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        let verified_at = account.email_verified_at.unwrap_or(event.at);
        let set = doc! {
            "passwordHash": password_hash,
            "emailVerifiedAt": verified_at,
            "sessionsRevokedAt": event.at,
            "updatedAt": event.at,
        };
        self.use_up(hash, Purpose::ResetPassword, account, set, Revoke::All, event).await
    }

    /// Uses the token up and gives the account its first password. The link came by mail: the address is verified.
    pub async fn accept_invitation(
        &self,
        hash: TokenHash,
        account: &Account,
        password_hash: &str,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        let set = doc! { "passwordHash": password_hash, "emailVerifiedAt": event.at, "updatedAt": event.at };
        self.use_up(hash, Purpose::AcceptInvitation, account, set, Revoke::All, event).await
    }

    async fn use_up(
        &self,
        hash: TokenHash,
        purpose: Purpose,
        account: &Account,
        set: Document,
        revoke: Revoke,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        loop {
            let session = transaction.begin().await?;
            let done = self
                .use_up_within(good(hash, purpose, event.at), account, set.clone(), revoke, event, session)
                .await;
            match transaction.end(done).await {
                Some(Err(error)) if error.get_custom::<Interfered>().is_some() => return Ok(Changed::Stale),
                Some(done) => return written_as(done),
                None => {}
            }
        }
    }

    async fn use_up_within(
        &self,
        token: Document,
        account: &Account,
        set: Document,
        revoke: Revoke,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<Option<Account>, Error> {
        let used = self.collection.delete_one(token).session(&mut *session).await?;
        if used.deleted_count == 0 {
            return Ok(None);
        }
        let written =
            self.customers.write_within(account, doc! { "$set": set }, revoke, event, session).await?;
        // The token must outlive a change that came between: a transaction that fails gives it back.
        written.map(Some).ok_or_else(|| Error::custom(Interfered))
    }
}

/// The account has changed since it was read.
struct Interfered;

fn stored(hash: TokenHash) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: hash.to_vec() }
}

fn good(hash: TokenHash, purpose: Purpose, now: Timestamp) -> Document {
    doc! { "_id": stored(hash), "purpose": purpose.name(), "expiresAt": { "$gt": Bson::from(now) } }
}

fn validator() -> Document {
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "purpose", "customerId", "emailKey", "createdAt", "expiresAt"],
        "properties": {
            "_id": { "bsonType": "binData" },
            "purpose": { "enum": ["verify_email", "reset_password", "accept_invitation"] },
            "customerId": { "bsonType": "binData" },
            "emailKey": { "bsonType": "string" },
            "createdAt": { "bsonType": "date" },
            "expiresAt": { "bsonType": "date" },
        },
    } }
}
