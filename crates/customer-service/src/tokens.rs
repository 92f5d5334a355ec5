//! Access tokens as this service issues them, and the keys that others verify them with.

use crate::config::KeySettings;
use anyhow::Context as _;
use common::auth::signing::SigningKey;
use common::auth::token::{Claims, TokenSettings};
use common::ids::{CustomerId, SessionId};
use common::models::auth::Role;
use common::time::Timestamp;
use jsonwebtoken::jwk::JwkSet;

/// Issues access tokens.
pub struct AccessTokens {
    key: SigningKey,
    issuer: String,
    audience: String,
    lifetime_s: u32,
}

impl AccessTokens {
    pub fn new(key: SigningKey, settings: &TokenSettings, lifetime_s: u32) -> Self {
        Self { key, issuer: settings.issuer.clone(), audience: settings.audience.clone(), lifetime_s }
    }

    /// Every key that a valid token may be signed with.
    pub fn published_keys(&self) -> JwkSet {
        JwkSet { keys: vec![self.key.jwk().clone()] }
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
        self.key.sign(&Claims {
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

/// The key of the settings, or where they name none a fresh one that ends with this process.
pub fn load_signing_key(settings: &KeySettings) -> anyhow::Result<SigningKey> {
    let file = &settings.signing_key_file;
    if file.is_empty() {
        tracing::warn!(
            "no signing key is set (keys.signing_key_file): access tokens are signed with a fresh one and end with \
             this process; `oms keys generate` makes one that lasts"
        );
        return SigningKey::from_pem(&SigningKey::generate_pem()?);
    }
    let pem = std::fs::read_to_string(file)
        .with_context(|| format!("keys.signing_key_file: cannot read {file}"))?;
    SigningKey::from_pem(&pem).with_context(|| format!("keys.signing_key_file: {file}"))
}
