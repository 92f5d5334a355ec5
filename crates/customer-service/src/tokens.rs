//! Access tokens as this service issues them, and the keys that others verify them with.

use crate::keys::KeyRing;
use common::auth::keys::KeySource;
use common::auth::signing::SigningKey;
use common::auth::token::{Claims, TokenSettings};
use common::ids::{CustomerId, SessionId};
use common::models::auth::Role;
use common::time::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use std::sync::{PoisonError, RwLock};

/// Issues access tokens.
pub struct AccessTokens {
    ring: RwLock<KeyRing>,
    /// What this service itself verifies with.
    verification: KeySource,
    issuer: String,
    audience: String,
    lifetime_s: u32,
}

impl AccessTokens {
    pub fn new(ring: KeyRing, settings: &TokenSettings, lifetime_s: u32) -> Self {
        Self {
            verification: KeySource::fixed(&ring.published()),
            ring: RwLock::new(ring),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime_s,
        }
    }

    /// Every key that a valid token may be signed with, and those that will sign soon.
    pub fn published_keys(&self) -> JwkSet {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).published()
    }

    /// The same keys for verifying; they follow every change.
    pub fn verification_keys(&self) -> KeySource {
        self.verification.clone()
    }

    /// Replaces the keys by those that are set now.
    pub fn set_keys(&self, keys: Vec<SigningKey>, changed_at: Timestamp, now: Timestamp) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        ring.replace(keys, changed_at, now);
        self.verification.replace(&ring.published());
    }

    /// Seconds that a token is good.
    pub const fn lifetime_s(&self) -> u32 {
        self.lifetime_s
    }

    /// A token for the bearer of a session.
    pub fn issue(
        &self,
        customer_id: CustomerId,
        role: Role,
        session_id: SessionId,
        now: Timestamp,
    ) -> anyhow::Result<String> {
        let issued_at_s = now.as_millis() / 1000;
        self.ring.read().unwrap_or_else(PoisonError::into_inner).active(now).sign(&Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: customer_id,
            exp: issued_at_s.saturating_add(self.lifetime_s.into()),
            iat: issued_at_s,
            nbf: None,
            jti: uuid::Uuid::now_v7().to_string(),
            role,
            sid: session_id,
        })
    }
}
