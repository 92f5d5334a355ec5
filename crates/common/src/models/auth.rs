//! Sessions, and what the bearer of a token or a key may do.

use crate::ids::{CustomerId, SessionId};
use crate::models::customer::PersonName;
use crate::text::{Email, Password, Text};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// What an account may do. The order is that of power: staff may do all that a customer may, an admin all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Own data only.
    Customer,
    /// Catalogue, stock and everyone's orders.
    Staff,
    /// Also staff accounts and keys.
    Admin,
}

/// What may be done with everyone's things. A role holds a set of them, an API key is given some; a customer needs none
/// for what is their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    #[serde(rename = "orders:read")]
    OrdersRead,
    #[serde(rename = "orders:write")]
    OrdersWrite,
    /// Products that are not on sale; those that are, anyone may read.
    #[serde(rename = "products:read")]
    ProductsRead,
    #[serde(rename = "products:write")]
    ProductsWrite,
    #[serde(rename = "stock:read")]
    StockRead,
    #[serde(rename = "stock:write")]
    StockWrite,
    #[serde(rename = "customers:read")]
    CustomersRead,
    #[serde(rename = "customers:write")]
    CustomersWrite,
    /// Who did what.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// What happens to everything, as a feed.
    #[serde(rename = "events:read")]
    EventsRead,
}

impl Scope {
    pub const ALL: [Self; 10] = [
        Self::OrdersRead,
        Self::OrdersWrite,
        Self::ProductsRead,
        Self::ProductsWrite,
        Self::StockRead,
        Self::StockWrite,
        Self::CustomersRead,
        Self::CustomersWrite,
        Self::AuditRead,
        Self::EventsRead,
    ];

    /// As it is written in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrdersRead => "orders:read",
            Self::OrdersWrite => "orders:write",
            Self::ProductsRead => "products:read",
            Self::ProductsWrite => "products:write",
            Self::StockRead => "stock:read",
            Self::StockWrite => "stock:write",
            Self::CustomersRead => "customers:read",
            Self::CustomersWrite => "customers:write",
            Self::AuditRead => "audit:read",
            Self::EventsRead => "events:read",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Role {
    /// As it is written in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Admin => "admin",
        }
    }

    /// Whether everyone of this role may do it.
    pub const fn holds(self, scope: Scope) -> bool {
        match self {
            Self::Customer => false,
            Self::Staff => !matches!(scope, Scope::AuditRead),
            Self::Admin => true,
        }
    }
}

/// `POST /auth/login`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogIn {
    pub email: Email,
    pub password: Password,
}

/// `POST /auth/refresh` and `POST /auth/logout`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshToken {
    pub refresh_token: String,
}

/// `POST /auth/password-reset`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetRequest {
    pub email: Email,
}

/// `POST /auth/password-reset/confirm`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetConfirmation {
    /// As it came by mail.
    pub token: String,
    pub password: Password,
}

/// `POST /auth/verification/confirm`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// As it came by mail.
    pub token: String,
}

/// The answer to a log-in or a refresh.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenPair {
    /// A JWT (RFC 9068) for `Authorization: Bearer`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token expires.
    pub expires_in: u32,
    /// Good for one refresh.
    pub refresh_token: String,
    pub customer_id: CustomerId,
}

/// What a session was opened with, such as `Firefox on Linux`: at most 100 characters.
pub type Device = Text<1, 100>;

/// A log-in that has not ended, as its owner sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenSession {
    pub id: SessionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    pub created_at: Timestamp,
    /// The last log-in or refresh.
    pub last_used_at: Timestamp,
    /// When it ends unless it is refreshed before.
    pub expires_at: Timestamp,
    /// Whether the request that asks belongs to it.
    pub current: bool,
}

/// `POST /staff-invitations`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StaffInvitation {
    pub email: Email,
    pub name: PersonName,
    /// Staff or admin.
    pub role: Role,
}

/// `POST /staff-invitations/accept`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationAcceptance {
    /// As it stood in the letter.
    pub token: String,
    pub password: Password,
}

/// `PUT /customers/{id}/role`
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleChange {
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_as_it_reads() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }

    #[test]
    fn customers_hold_nothing_staff_all_but_the_audit_trail_and_admins_everything() {
        for scope in Scope::ALL {
            assert!(!Role::Customer.holds(scope) && Role::Admin.holds(scope));
            assert_eq!(Role::Staff.holds(scope), scope != Scope::AuditRead);
        }
    }
}
