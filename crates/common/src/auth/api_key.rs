//! API keys as services check them: customer-service is asked, and its answer is relied on for a short while.

use super::token::TokenError;
use crate::error::ApiError;
use crate::http::peer::{Peer, PeerError};
use crate::ids::ApiKeyId;
use crate::models::api_key::{ApiKeyGrant, PresentedApiKey};
use crate::time::Timestamp;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What every key begins with, so that scanners find one that has leaked.
const PREFIX: &str = "oms_";

/// The prefix, an identity, an underscore, 32 bytes as base64url without padding.
const LENGTH: usize = PREFIX.len() + 36 + 1 + 43;

/// How long a good key is relied on: a revoked one stops working within this.
const RELIED_ON: Duration = Duration::from_secs(30);

/// How long an unknown one is refused without asking.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// Most keys that are remembered, good or not.
const REMEMBERED: usize = 10_000;

/// SHA-256 of a key's secret. The secret is 256 random bits, so that a fast hash is enough.
pub type SecretHash = [u8; 32];

/// A key as a client presents it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyText {
    pub id: ApiKeyId,
    secret: [u8; 32],
}

impl ApiKeyText {
    pub const fn new(id: ApiKeyId, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    /// `None` where the text was never a key of ours.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != LENGTH {
            return None;
        }
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(secret).ok()?;
        Some(Self { id: id.parse().ok()?, secret: secret.try_into().ok()? })
    }

    /// The text that a client is given, once.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, BASE64_URL_SAFE_NO_PAD.encode(self.secret))
    }

    pub fn secret_hash(&self) -> SecretHash {
        Sha256::digest(self.secret).into()
    }

    /// What is asked about it.
    pub fn presented(&self) -> PresentedApiKey {
        let hex = self.secret_hash().iter().map(|byte| format!("{byte:02x}")).collect();
        PresentedApiKey { id: self.id, secret_hash: hex }
    }
}

/// Whoever knows the keys gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("API keys cannot be checked: {0}")]
pub struct Unanswered(pub anyhow::Error);

/// Asks whether there is such a key.
type Ask =
    Arc<dyn Fn(PresentedApiKey) -> BoxFuture<'static, Result<Option<ApiKeyGrant>, Unanswered>> + Send + Sync>;

/// What was answered to a key, and when.
type Answers = Cache<(ApiKeyId, SecretHash), (Option<Arc<ApiKeyGrant>>, Instant)>;

/// Checks API keys, one question at a time for each.
pub struct ApiKeys {
    ask: Ask,
    known: Answers,
}

impl ApiKeys {
    /// Asks customer-service's internal listener.
    pub fn remote(customer_service: Peer) -> Self {
        Self::new(move |presented| {
            let peer = customer_service.clone();
            async move {
                match peer.post("/internal/api-keys/verify", &presented).await {
                    Ok(grant) => Ok(Some(grant)),
                    Err(PeerError::Refused { status: 404, .. }) => Ok(None),
                    Err(error) => Err(Unanswered(error.into())),
                }
            }
            .boxed()
        })
    }

    pub fn new(
        ask: impl Fn(PresentedApiKey) -> BoxFuture<'static, Result<Option<ApiKeyGrant>, Unanswered>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { ask: Arc::new(ask), known: Cache::new(REMEMBERED) }
    }

    /// Whether a bearer text means to be a key: no access token begins so.
    pub fn claims(bearer: &str) -> bool {
        bearer.starts_with(PREFIX)
    }

    /// What the bearer of this key may do.
    pub async fn verify(&self, text: &str) -> Result<ApiKeyGrant, ApiError> {
        let key = ApiKeyText::parse(text).ok_or(TokenError::Invalid)?;
        let place = (key.id, key.secret_hash());
        self.known.remove_if(&place, |(grant, asked)| !is_reliable(grant.is_some(), *asked));
        let asking = async {
            let asked = Instant::now();
            let grant = (self.ask)(key.presented()).await?;
            Ok::<_, Unanswered>((grant.map(Arc::new), asked))
        };
        let (grant, _) = self
            .known
            .get_or_insert_async(&place, asking)
            .await
            .map_err(|unanswered| ApiError::unavailable().caused_by(unanswered))?;
        let grant = grant.ok_or(TokenError::Invalid)?;
        if grant.expires_at.is_some_and(|expires_at| expires_at <= Timestamp::now()) {
            return Err(ApiError::unauthenticated("The API key has expired.").code("token_expired"));
        }
        Ok(ApiKeyGrant::clone(&grant))
    }
}

fn is_reliable(is_good: bool, asked: Instant) -> bool {
    asked.elapsed() < if is_good { RELIED_ON } else { REFUSED_FOR }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::auth::Scope;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn key() -> ApiKeyText {
        ApiKeyText::new(ApiKeyId::new(), [7; 32])
    }

    fn grant(key: &ApiKeyText, expires_at: Option<Timestamp>) -> ApiKeyGrant {
        ApiKeyGrant { id: key.id, scopes: [Scope::OrdersRead].into(), expires_at }
    }

    /// Answers always the same and counts how often it was asked.
    fn answering(answer: Option<ApiKeyGrant>) -> (ApiKeys, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let counter = asked.clone();
        let keys = ApiKeys::new(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            let answer = answer.clone();
            async move {
                tokio::task::yield_now().await;
                Ok(answer)
            }
            .boxed()
        });
        (keys, asked)
    }

    #[test]
    fn a_key_survives_its_text_and_nothing_else_is_one() {
        let text = key().reveal();
        assert!(ApiKeys::claims(&text) && text.len() == LENGTH);
        let parsed = ApiKeyText::parse(&text).unwrap();
        assert_eq!(parsed.reveal(), text);
        assert_eq!(parsed.presented().secret_hash.len(), 64);
        let longer = format!("{text}A");
        for bad in ["", "oms_", "oms__", &text[1..], &longer, &text.replace('_', "-")] {
            assert!(ApiKeyText::parse(bad).is_none(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_key_is_asked_about_once_however_many_wait_for_the_answer() {
        let key = key();
        let (keys, asked) = answering(Some(grant(&key, None)));
        let text = key.reveal();
        let (one, other) = tokio::join!(keys.verify(&text), keys.verify(&text));
        assert_eq!((one.unwrap().id, other.unwrap().id), (key.id, key.id));
        keys.verify(&text).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_key_that_nobody_knows_is_refused_and_not_asked_about_again_at_once() {
        let (keys, asked) = answering(None);
        let text = key().reveal();
        for _ in 0..2 {
            assert_eq!(keys.verify(&text).await.unwrap_err().kind(), crate::error::Kind::Unauthenticated);
        }
        keys.verify("oms_of_nobody").await.unwrap_err();
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn another_secret_is_another_key() {
        let key = key();
        let (keys, asked) = answering(Some(grant(&key, None)));
        keys.verify(&key.reveal()).await.unwrap();
        keys.verify(&ApiKeyText::new(key.id, [8; 32]).reveal()).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_key_that_has_expired_is_refused_though_it_was_good_when_asked() {
        let key = key();
        let (keys, _) = answering(Some(grant(&key, Some(Timestamp::now()))));
        assert_eq!(keys.verify(&key.reveal()).await.unwrap_err().problem().code, "token_expired");
    }

    #[tokio::test]
    async fn without_an_answer_nothing_is_remembered() {
        let failing = ApiKeys::new(|_| async { Err(Unanswered(anyhow::anyhow!("away"))) }.boxed());
        let error = failing.verify(&key().reveal()).await.unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Unavailable);
        assert_eq!(failing.known.len(), 0);
    }

    #[test]
    fn an_answer_is_relied_on_for_30_seconds_and_a_refusal_for_5() {
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        assert!(is_reliable(true, ago(29)) && !is_reliable(true, ago(30)));
        assert!(is_reliable(false, ago(4)) && !is_reliable(false, ago(5)));
    }
}
