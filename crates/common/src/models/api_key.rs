//! API keys: how machines call, and what each may do.

use crate::ids::ApiKeyId;
use crate::models::auth::Scope;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What a key is for: 1 to 100 characters.
pub type ApiKeyName = Text<1, 100>;

/// `POST /api-keys`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiKey {
    pub name: ApiKeyName,
    /// At least one.
    #[schema(min_items = 1)]
    pub scopes: BTreeSet<Scope>,
    /// In the future; left out: the key is good until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A key as administrators see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: ApiKeyName,
    pub scopes: BTreeSet<Scope>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// To the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// The answer to `POST /api-keys`: the only one that ever shows the key.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedApiKey {
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// For `Authorization: Bearer`.
    pub key: String,
}

/// `POST /internal/api-keys/verify`: is there such a key? The secret itself does not travel, only its hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PresentedApiKey {
    pub id: ApiKeyId,
    /// SHA-256 of the secret, in hexadecimal.
    pub secret_hash: String,
}

/// The answer: what the key may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyGrant {
    pub id: ApiKeyId,
    pub scopes: BTreeSet<Scope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
