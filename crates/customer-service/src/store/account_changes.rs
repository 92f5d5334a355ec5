//! What may change of an account: each change a compare-and-swap on the version that was read, with its entry in the
//! audit trail and the sessions that it ends in the same transaction.

use super::account::Account;
use super::customers::{BUDGET, Changed, Customers, Revoke, written_as};
use crate::domain::address_book::AddressBook;
use common::ids::CustomerId;
use common::models::audit::AuditEvent;
use common::models::auth::Role;
use common::models::customer::{CustomerChange, CustomerStatus};
use common::mongo::{StoreError, Transaction, to_document};
use common::text::folded;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;

/// The collection whose one document everyone changes who could take away the last administrator: so that of two who
/// do it at once, one sees what the other did.
const GUARDS: &str = "guards";

impl Customers {
    /// Changes what the account says of its owner.
    pub async fn change(
        &self,
        account: &Account,
        change: &CustomerChange,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        self.write(account, update_of(account, change, event), Revoke::None, event).await
    }

    /// Replaces the password.
    pub async fn set_password(
        &self,
        account: &Account,
        password_hash: &str,
        revoke: Revoke,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        let set = doc! { "$set": { "passwordHash": password_hash, "updatedAt": event.at } };
        self.write(account, set, revoke, event).await
    }

    /// Deactivates or reactivates; `None` where it would take away the last active administrator.
    pub async fn set_status(
        &self,
        account: &Account,
        status: CustomerStatus,
        event: &AuditEvent,
    ) -> Result<Option<Changed>, StoreError> {
        let (name, revoke) = match status {
            CustomerStatus::Active => ("active", Revoke::None),
            CustomerStatus::Deactivated => ("deactivated", Revoke::All),
        };
        let update = doc! { "$set": { "status": name, "updatedAt": event.at } };
        if status == CustomerStatus::Active {
            return self.write(account, update, revoke, event).await.map(Some);
        }
        self.write_guarded(account, update, revoke, event).await
    }

    /// A change that may take away an administrator; `None` where it would be the last one.
    pub(super) async fn write_guarded(
        &self,
        account: &Account,
        update: Document,
        revoke: Revoke,
        event: &AuditEvent,
    ) -> Result<Option<Changed>, StoreError> {
        if account.role != Role::Admin {
            return self.write(account, update, revoke, event).await.map(Some);
        }
        let mut transaction = Transaction::open(&self.database, BUDGET).await?;
        loop {
            let session = transaction.begin().await?;
            let done = self.write_guarded_within(account, update.clone(), revoke, event, session).await;
            match transaction.end(done).await {
                Some(Ok(None)) => return Ok(None),
                Some(Ok(Some(written))) => return written_as(Ok(written)).map(Some),
                Some(Err(error)) => return written_as(Err(error)).map(Some),
                None => {}
            }
        }
    }

    async fn write_guarded_within(
        &self,
        account: &Account,
        update: Document,
        revoke: Revoke,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<Option<Option<Account>>, Error> {
        if !self.another_admin_is_left(account.id, session).await? {
            return Ok(None);
        }
        self.write_within(account, update, revoke, event, session).await.map(Some)
    }

    /// Replaces the addresses.
    pub async fn set_addresses(
        &self,
        account: &Account,
        book: &AddressBook,
        event: &AuditEvent,
    ) -> Result<Changed, StoreError> {
        let entries = book.entries().iter().map(to_document).collect::<Result<Vec<_>, _>>()?;
        let set = doc! { "$set": { "addresses": entries, "updatedAt": event.at } };
        self.write(account, set, Revoke::None, event).await
    }

    /// Whether an active administrator is left besides this account. Whoever asks within a transaction that takes one
    /// away meets everyone else who does.
    pub(super) async fn another_admin_is_left(
        &self,
        but: CustomerId,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        self.database
            .collection::<Document>(GUARDS)
            .update_one(doc! { "_id": "administrators" }, doc! { "$inc": { "changes": 1_i64 } })
            .upsert(true)
            .session(&mut *session)
            .await?;
        // Who was only invited has no password yet, and may never come.
        let other = doc! {
            "role": "admin", "status": "active", "passwordHash": { "$exists": true }, "_id": { "$ne": but },
        };
        Ok(self.collection.find_one(other).session(session).await?.is_some())
    }
}

fn update_of(account: &Account, change: &CustomerChange, event: &AuditEvent) -> Document {
    let mut set = doc! { "updatedAt": event.at };
    let mut unset = Document::new();
    if let Some(email) = &change.email {
        set.insert("email", email.as_str());
        set.insert("emailKey", email.key());
        if email.key() != account.email_key {
            unset.insert("emailVerifiedAt", "");
        }
    }
    if let Some(name) = &change.name {
        set.insert("name", name.as_str());
        set.insert("nameKey", folded(name.as_str()));
    }
    match &change.phone {
        Some(Some(phone)) => drop(set.insert("phone", phone.as_str())),
        Some(None) => drop(unset.insert("phone", "")),
        None => {}
    }
    if let Some(consent) = change.marketing_consent.filter(|consent| *consent != account.marketing_consent) {
        set.insert("marketingConsent", consent);
        set.insert("marketingConsentAt", Bson::from(event.at));
    }
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    update
}
