//! Sessions and who the bearer of a token is.

use crate::ids::CustomerId;
use crate::text::{Email, Password};
use serde::{Deserialize, Serialize};

/// What an account may do. The order is that of power: staff may do all that a customer may, an admin all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Own data only.
    Customer,
    /// Catalogue, stock and everyone's orders.
    Staff,
    /// Also staff accounts and keys.
    Admin,
}

/// `POST /auth/login`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogIn {
    pub email: Email,
    pub password: Password,
}

/// `POST /auth/refresh` and `POST /auth/logout`
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshToken {
    pub refresh_token: String,
}

/// The answer to a log-in or a refresh.
#[derive(Clone, Serialize, Deserialize)]
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
