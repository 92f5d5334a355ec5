//! Erasing a person from this service's own collections.

use super::account::Account;
use super::customers::{BUDGET, Changed, Customers, Revoke, written_as};
use super::mail_tokens;
use super::sessions;
use common::audit::AuditLog;
use common::ids::CustomerId;
use common::models::audit::AuditEvent;
use common::models::auth::Role;
use common::mongo::{StoreError, Transaction};
use futures_util::TryStreamExt;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use std::time::Duration;

/// What an erased person is called.
const NAME: &str = "Erased customer";

/// Most erasures of one turn.
const A_TURN: i64 = 100;

impl Customers {
    /// Replaces everything personal of the account, and removes its sessions, its mail tokens and the addresses in the
    /// audit trail that it called from, all or nothing; `None` where it is the last active administrator.
    pub async fn erase(&self, account: &Account, event: &AuditEvent) -> Result<Option<Changed>, StoreError> {
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        loop {
            let done = self.erase_within(account, event, transaction.begin().await?).await;
            match transaction.end(done).await {
                Some(Ok(None)) => return Ok(None),
                Some(Ok(Some(written))) => return written_as(Ok(written)).map(Some),
                Some(Err(error)) => return written_as(Err(error)).map(Some),
                None => {}
            }
        }
    }

    async fn erase_within(
        &self,
        account: &Account,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<Option<Option<Account>>, Error> {
        if account.role == Role::Admin && !self.another_admin_is_left(account.id, session).await? {
            return Ok(None);
        }
        let written =
            self.write_within(account, erasure(account.id, event), Revoke::None, event, session).await?;
        if written.is_some() {
            for collection in [sessions::NAME, mail_tokens::NAME] {
                let collection = self.database.collection::<Document>(collection);
                collection.delete_many(doc! { "customerId": account.id }).session(&mut *session).await?;
            }
            let audit = AuditLog::new(&self.database);
            audit.forget_addresses(&account.id.to_string(), session).await?;
        }
        Ok(Some(written))
    }

    /// Accounts of which other services may still hold something, longest erased first.
    pub async fn erasures_due(&self) -> Result<Vec<Account>, StoreError> {
        let due =
            self.collection.find(doc! { "erasure.due": true }).sort(doc! { "erasure.at": 1 }).limit(A_TURN);
        Ok(due.max_time(Duration::from_secs(4)).await?.try_collect().await?)
    }

    /// Nobody holds anything personal any more.
    pub async fn complete_erasure(
        &self,
        account: &Account,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        self.write(account, doc! { "$set": { "erasure.due": false } }, Revoke::None, event).await
    }
}

/// The address cannot be written to: `.invalid` is reserved for that (RFC 6761, section 6.4).
fn erasure(id: CustomerId, event: &AuditEvent) -> Document {
    let email = format!("erased-{id}@erased.invalid");
    doc! {
        "$set": {
            "email": &email,
            "emailKey": &email,
            "name": NAME,
            "nameKey": common::text::folded(NAME),
            "addresses": [],
            "marketingConsent": false,
            "status": "deactivated",
            "role": "customer",
            "sessionsRevokedAt": event.at,
            "erasure": { "at": event.at, "due": true },
            "updatedAt": event.at,
        },
        "$unset": {
            "emailVerifiedAt": "",
            "phone": "",
            "marketingConsentAt": "",
            "passwordHash": "",
            "fingerprint": "",
        },
    }
}
