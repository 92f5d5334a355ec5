//! Access tokens: JWT as RFC 9068 profiles it, EdDSA only, checked as RFC 8725 advises.

use super::caller::Person;
use super::keys::KeySource;
use crate::ids::{CustomerId, SessionId};
use crate::metrics::cache::CacheMetrics;
use crate::models::auth::Role;
use crate::time::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `typ` of an access token (RFC 9068, section 2.1).
pub const TOKEN_TYPE: &str = "at+jwt";

/// Longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 4096;

/// How far the clocks of our machines may differ.
const LEEWAY_S: u64 = 10;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// `iss` of every token.
    pub issuer: String,
    /// `aud` of every token.
    pub audience: String,
    /// Verified tokens that are remembered until they expire.
    pub cache_entries: usize,
    /// Where customer-service publishes its verification keys; customer-service itself has none to fetch.
    #[serde(default)]
    pub keys_url: String,
    /// How often they are fetched anew, in milliseconds; where there are any to fetch.
    #[serde(default)]
    pub keys_refresh_ms: u64,
}

/// What an access token says; all claims are required.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: CustomerId,
    /// Seconds since the Unix epoch, as are `iat` and `nbf`.
    pub exp: i64,
    pub iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    pub jti: String,
    pub role: Role,
    /// The session that the token was issued to.
    pub sid: SessionId,
}

/// Why a token was refused. A client learns no more than that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the access token is missing or not valid")]
    Invalid,
    #[error("the access token has expired")]
    Expired,
    /// No key could be had yet: nothing can be verified.
    #[error("access tokens cannot be verified yet")]
    NoKeys,
}

/// Verifies access tokens; a token once verified is remembered until it expires.
pub struct TokenVerifier {
    keys: KeySource,
    validation: Validation,
    verified: Cache<Arc<str>, Person>,
    looked_up: CacheMetrics,
}

impl TokenVerifier {
    pub fn new(settings: &TokenSettings, keys: KeySource) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_audience(&[&settings.audience]);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            keys,
            validation,
            verified: Cache::new(settings.cache_entries),
            looked_up: CacheMetrics::new("access_tokens"),
        }
    }

    /// Who the bearer of this token is.
    pub async fn verify(&self, token: &str) -> Result<Person, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Invalid);
        }
        let now_s = Timestamp::now().as_millis() / 1000;
        let remembered = self.verified.get(token);
        self.looked_up.count(remembered.is_some());
        if let Some(caller) = remembered {
            if now_s <= caller.expires_at_s + i64::try_from(LEEWAY_S).unwrap_or(0) {
                return Ok(caller);
            }
            self.verified.remove(token);
            return Err(TokenError::Expired);
        }
        let caller = self.decode(token, now_s).await?;
        self.verified.insert(token.into(), caller.clone());
        Ok(caller)
    }

    async fn decode(&self, token: &str, now_s: i64) -> Result<Person, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let mut ours = Header::new(Algorithm::EdDSA);
        ours.typ = Some(TOKEN_TYPE.to_owned());
        ours.kid.clone_from(&header.kid);
        // A header of ours says these three things and nothing else: no key of its own, no address of one, no
        // extension that must be understood.
        if header != ours {
            return Err(TokenError::Invalid);
        }
        let key = self.keys.find(header.kid.as_deref().ok_or(TokenError::Invalid)?).await?;
        let claims = match jsonwebtoken::decode::<Claims>(token, &key, &self.validation) {
            Ok(decoded) => decoded.claims,
            Err(error) if matches!(error.kind(), jsonwebtoken::errors::ErrorKind::ExpiredSignature) => {
                return Err(TokenError::Expired);
            }
            Err(_) => return Err(TokenError::Invalid),
        };
        let is_from_the_future = claims.iat > now_s + i64::try_from(LEEWAY_S).unwrap_or(0);
        if is_from_the_future || claims.jti.is_empty() {
            return Err(TokenError::Invalid);
        }
        Ok(Person {
            customer_id: claims.sub,
            role: claims.role,
            session_id: claims.sid,
            issued_at_s: claims.iat,
            expires_at_s: claims.exp,
        })
    }
}
