//! Refreshes a session: judge the token, look at the account, rotate by compare-and-swap.

use super::log_in::token_pair;
use crate::domain::session::{Session, Token, Verdict};
use crate::startup::AppState;
use common::models::auth::TokenPair;
use common::mongo::StoreError;
use common::time::Timestamp;

/// Refreshes of one session that may collide before one of them gives up.
const ATTEMPTS: usize = 5;

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Never a token, used before, expired, revoked, or of an account that is not active.
    #[error("the refresh token is not good")]
    Invalid,
    /// Too many refreshed the same session at once.
    #[error("the session changed too often while it was refreshed")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no token could be issued")]
    Token(#[source] anyhow::Error),
}

pub async fn refresh_session(state: &AppState, token: &str) -> Result<TokenPair, RefreshError> {
    let presented = Token::parse(token).ok_or(RefreshError::Invalid)?;
    for attempt in 0..ATTEMPTS {
        let is_settled = attempt > 0;
        let found = if is_settled {
            state.sessions.find_settled(presented.session_id).await?
        } else {
            state.sessions.find(presented.session_id).await?
        };
        let session = found.ok_or(RefreshError::Invalid)?;
        if let Some(pair) = refresh_as_read(state, &session, &presented, is_settled).await? {
            return Ok(pair);
        }
    }
    Err(RefreshError::Contended)
}

/// `None` where the session must be read again: it changed since, or what was read is too old to condemn it.
async fn refresh_as_read(
    state: &AppState,
    session: &Session,
    presented: &Token,
    is_settled: bool,
) -> Result<Option<TokenPair>, RefreshError> {
    let now = Timestamp::now();
    let (successor, is_first) = match session.judge(&presented.secret, now, &state.lifetimes) {
        Verdict::Rotate(successor) => (successor, true),
        Verdict::Repeat(successor) => (successor, false),
        Verdict::Ended => return Err(RefreshError::Invalid),
        Verdict::Reused if !is_settled => return Ok(None),
        Verdict::Reused => {
            tracing::warn!(customer_id = %session.customer_id, "a refresh token was used again: its session ends");
            state.sessions.revoke(session.id, now).await?;
            return Err(RefreshError::Invalid);
        }
    };
    let account = state.customers.find(session.customer_id).await?;
    let Some(account) = account.filter(|account| account.is_active()) else {
        state.sessions.revoke(session.id, now).await?;
        return Err(RefreshError::Invalid);
    };
    let rotated = session.rotated(&successor, now, &state.lifetimes);
    if is_first && !state.sessions.rotate(session, &rotated).await? {
        return Ok(None);
    }
    let token = Token { session_id: session.id, secret: successor };
    token_pair(state, &account, &token, now).map(Some).map_err(RefreshError::Token)
}
