//! Staying logged in: one log-in for all calls that wait for it, renewed before it expires.

use crate::call::Call;
use crate::client::Shared;
use crate::error::Error;
use common::models::auth::{LogIn, RefreshToken, TokenPair};
use reqwest::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A log-in that is made when first needed.
pub(crate) struct Session {
    credentials: LogIn,
    held: Mutex<Held>,
    /// Renewals that ended, well or not.
    renewals: AtomicU64,
}

#[derive(Default)]
struct Held {
    tokens: Option<Tokens>,
    failure: Option<Error>,
}

struct Tokens {
    access: Arc<str>,
    refresh: String,
    renew_at: Instant,
}

impl Session {
    pub fn new(credentials: LogIn) -> Self {
        Self { credentials, held: Mutex::default(), renewals: AtomicU64::new(0) }
    }

    /// An access token that is not `refused`. Calls that find none wait for the one that is fetching it, and share
    /// its failure too: a thousand of them must not try a wrong password a thousand times.
    pub async fn token(&self, shared: &Shared, refused: Option<&Arc<str>>) -> Result<Arc<str>, Error> {
        let before = self.renewals.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if let Some(tokens) = &held.tokens
            && refused != Some(&tokens.access)
            && Instant::now() < tokens.renew_at
        {
            return Ok(tokens.access.clone());
        }
        if self.renewals.load(Ordering::Acquire) != before
            && let Some(failure) = &held.failure
        {
            return Err(failure.clone());
        }
        let outcome = self.renew(shared, held.tokens.take()).await;
        self.renewals.fetch_add(1, Ordering::Release);
        match outcome {
            Ok(tokens) => {
                let access = tokens.access.clone();
                *held = Held { tokens: Some(tokens), failure: None };
                Ok(access)
            }
            Err(failure) => {
                held.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Refreshes where that is possible: it costs the service no password hash.
    async fn renew(&self, shared: &Shared, tokens: Option<Tokens>) -> Result<Tokens, Error> {
        if let Some(tokens) = tokens {
            match refresh(shared, &tokens.refresh).await {
                Err(Error::Problem { status: 400..500, .. }) => {}
                outcome => return outcome.map(Tokens::new),
            }
        }
        log_in(shared, &self.credentials).await.map(Tokens::new)
    }
}

impl Tokens {
    fn new(pair: TokenPair) -> Self {
        let lifetime = Duration::from_secs(pair.expires_in.into());
        let margin = (lifetime / 5).min(Duration::from_secs(60));
        Self {
            access: pair.access_token.into(),
            refresh: pair.refresh_token,
            renew_at: Instant::now() + (lifetime - margin),
        }
    }
}

/// A repeated log-in only leaves a session that nobody uses.
pub(crate) async fn log_in(shared: &Shared, credentials: &LogIn) -> Result<TokenPair, Error> {
    let call = Call::new(shared, Method::POST, &["auth", "login"]).json(credentials).repeatable();
    call.exchange(None).await?.decode()
}

/// A refresh repeated at once is answered with the same successor.
pub(crate) async fn refresh(shared: &Shared, refresh_token: &str) -> Result<TokenPair, Error> {
    let body = RefreshToken { refresh_token: refresh_token.to_owned() };
    let call = Call::new(shared, Method::POST, &["auth", "refresh"]).json(&body).repeatable();
    call.exchange(None).await?.decode()
}
