//! Verification keys: customer-service's JSON Web Key Set (RFC 7517), fetched ahead of need.

use super::token::TokenError;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, JwkSet};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Most keys that are kept of a set.
const MOST_KEYS: usize = 16;

/// While there is no key at all, a request may fetch the set, this often and no more.
const FETCH_AGAIN_AFTER: Duration = Duration::from_millis(500);

type Keys = HashMap<String, DecodingKey>;

/// Keys by `kid`. An unknown `kid` never causes a call: whoever forges tokens cannot make us work. A rotation is
/// seen by [`KeySource::refresh`], and the new key is published before it signs.
#[derive(Clone)]
pub struct KeySource {
    keys: Arc<RwLock<Keys>>,
    remote: Option<Arc<Remote>>,
}

struct Remote {
    url: String,
    client: reqwest::Client,
    last_try: Mutex<Option<Instant>>,
}

impl KeySource {
    /// Keys that this process holds itself.
    pub fn fixed(set: &JwkSet) -> Self {
        Self { keys: Arc::new(RwLock::new(decoding_keys(set))), remote: None }
    }

    /// Keys published at a URL, customer-service's `/.well-known/jwks.json`.
    pub fn remote(url: &str) -> anyhow::Result<Self> {
        let remote =
            Remote { url: url.to_owned(), client: crate::http::peer::client()?, last_try: Mutex::new(None) };
        Ok(Self { keys: Arc::default(), remote: Some(Arc::new(remote)) })
    }

    /// Replaces the keys that this process holds itself.
    pub fn replace(&self, set: &JwkSet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = decoding_keys(set);
    }

    pub(super) async fn find(&self, kid: &str) -> Result<DecodingKey, TokenError> {
        if self.is_empty() {
            self.fetch_first().await?;
        }
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned().ok_or(TokenError::Invalid)
    }

    fn is_empty(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// In a task of its own: who waits for the keys no longer does not stop their fetch, which others wait for too.
    async fn fetch_first(&self) -> Result<(), TokenError> {
        let source = self.clone();
        tokio::spawn(async move { source.fetch_once().await }).await.map_err(|_| TokenError::NoKeys)?
    }

    /// One fetch for all who wait for the first keys.
    async fn fetch_once(&self) -> Result<(), TokenError> {
        let Some(remote) = &self.remote else { return Err(TokenError::NoKeys) };
        let mut last_try = remote.last_try.lock().await;
        if !self.is_empty() {
            return Ok(());
        }
        if last_try.is_some_and(|at| at.elapsed() < FETCH_AGAIN_AFTER) {
            return Err(TokenError::NoKeys);
        }
        *last_try = Some(Instant::now());
        self.refresh().await.map_err(|cause| {
            tracing::warn!(cause = format!("{cause:#}"), "no verification keys yet");
            TokenError::NoKeys
        })
    }

    /// Fetches the set anew. Old keys stay where that fails.
    pub async fn refresh(&self) -> anyhow::Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let answer = remote
            .client
            .get(&remote.url)
            .timeout(Duration::from_secs(2))
            .send()
            .await?
            .error_for_status()?;
        let keys = decoding_keys(&answer.json().await?);
        anyhow::ensure!(!keys.is_empty(), "the key set holds no Ed25519 key");
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Refreshes for as long as the process runs, more often while there is no key at all.
    pub async fn refresh_every(self, interval: Duration) {
        loop {
            if let Err(cause) = self.refresh().await {
                tracing::debug!(cause = format!("{cause:#}"), "verification keys not refreshed");
            }
            tokio::time::sleep(if self.is_empty() { FETCH_AGAIN_AFTER } else { interval }).await;
        }
    }
}

fn decoding_keys(set: &JwkSet) -> Keys {
    let is_ed25519 = |parameters: &AlgorithmParameters| matches!(parameters, AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519);
    set.keys
        .iter()
        .filter(|key| is_ed25519(&key.algorithm))
        .filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?)))
        .take(MOST_KEYS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::signing::SigningKey;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_caller_that_stops_waiting_for_the_first_keys_does_not_stop_their_fetch() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let source = KeySource::remote(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let key = SigningKey::from_pem(&SigningKey::generate_pem().unwrap()).unwrap();
        let keys = serde_json::json!({ "keys": [key.jwk()] }).to_string();
        let (arrived, has_arrived) = oneshot::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let read = socket.read(&mut [0; 4096]).unwrap();
            assert!(read > 0);
            arrived.send(()).unwrap();
            wait.recv().unwrap();
            write!(socket, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{keys}", keys.len()).unwrap();
        });
        tokio::select! {
            _ = source.find(key.kid()) => panic!("there is no answer yet"),
            arrived = has_arrived => arrived.unwrap(),
        }
        go_on.send(()).unwrap();
        assert!(source.find(key.kid()).await.is_ok());
    }
}
