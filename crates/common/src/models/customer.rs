//! Customers.

use super::patch::removable;
use crate::ids::{CustomerId, SessionId};
use crate::models::auth::Role;
use crate::text::{Email, Password, Phone, Text};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person's name: 1 to 200 characters.
pub type PersonName = Text<1, 200>;

/// `POST /customers`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCustomer {
    pub email: Email,
    /// Only staff may leave it out: the account then has no log-in of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    pub name: PersonName,
}

/// `PATCH /customers/{id}`: the fields to change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// `null` removes it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub phone: Option<Option<Phone>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing_consent: Option<bool>,
}

/// `POST /customers/{id}/password`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    pub current_password: Password,
    pub new_password: Password,
}

/// `POST /customers/{id}/erase`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Erasure {
    /// Who erases their own account proves by it that they are not merely at an open browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_password: Option<Password>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CustomerStatus {
    Active,
    Deactivated,
}

/// A customer as its owner and staff see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    pub id: CustomerId,
    pub email: Email,
    /// Whether somebody has opened a link that was sent to the address.
    #[serde(default)]
    pub email_verified: bool,
    pub name: PersonName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(default)]
    pub marketing_consent: bool,
    /// When the consent was last given or taken back; missing: it never was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing_consent_at: Option<Timestamp>,
    pub role: Role,
    pub status: CustomerStatus,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// `GET /internal/customers/{id}`: what another service needs to know of a customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerStanding {
    pub id: CustomerId,
    pub status: CustomerStatus,
    /// Access tokens that were not issued after this moment are no longer good: the customer logged out everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_not_before: Option<Timestamp>,
    /// Sessions that ended while access tokens of theirs may still be about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_sessions: Vec<SessionId>,
}

impl CustomerStanding {
    /// Whether a token issued then, in seconds since the Unix epoch, is still good. The second itself is not: a token
    /// of it may have been issued before.
    fn accepts_token_of(&self, issued_at_s: i64) -> bool {
        self.tokens_not_before.is_none_or(|not_before| issued_at_s > not_before.as_millis().div_euclid(1000))
    }

    /// Whether a token of this session, issued then, is still good.
    pub fn accepts(&self, session: SessionId, issued_at_s: i64) -> bool {
        self.accepts_token_of(issued_at_s) && !self.ended_sessions.contains(&session)
    }
}
