//! An account as it is stored, and as it is shown.

use crate::domain::address_book::{AddressBook, Entry};
use common::ids::{CustomerId, SessionId};
use common::models::auth::Role;
use common::models::customer::{Customer, CustomerStanding, CustomerStatus, PersonName};
use common::text::{Email, Phone};
use common::time::Timestamp;
use mongodb::bson::{Binary, spec::BinarySubtype};
use serde::{Deserialize, Serialize};

/// An account as it is stored. It has no `Debug`: nothing of it belongs in a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    #[serde(rename = "_id")]
    pub id: CustomerId,
    pub email: Email,
    /// [`Email::key`] of the address: unique.
    pub email_key: String,
    /// When somebody opened a link that was sent to the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified_at: Option<Timestamp>,
    pub name: PersonName,
    /// The name as it is searched for.
    pub name_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(default)]
    pub marketing_consent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing_consent_at: Option<Timestamp>,
    /// Oldest first.
    #[serde(default)]
    pub addresses: Vec<Entry>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Erasure>,
}

/// That the person was erased, and whether everyone who holds something of them has done so too.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    pub at: Timestamp,
    /// Orders are still to be erased, or may still be placed by who was asked before.
    pub due: bool,
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

    pub fn address_book(&self) -> AddressBook {
        AddressBook::of(self.addresses.clone())
    }

    /// As its owner and staff see it.
    pub fn into_customer(self) -> Customer {
        Customer {
            id: self.id,
            email: self.email,
            email_verified: self.email_verified_at.is_some(),
            name: self.name,
            phone: self.phone,
            marketing_consent: self.marketing_consent,
            marketing_consent_at: self.marketing_consent_at,
            role: self.role,
            status: self.status,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// As the other services see it, with the sessions that ended of late.
    pub fn standing(&self, ended_sessions: Vec<SessionId>) -> CustomerStanding {
        let tokens_not_before = self.sessions_revoked_at;
        CustomerStanding { id: self.id, status: self.status, tokens_not_before, ended_sessions }
    }
}

/// A fingerprint as it is stored.
pub fn stored_fingerprint(fingerprint: [u8; 32]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: fingerprint.to_vec() }
}
