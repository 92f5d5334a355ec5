//! Logs in: throttle, compare the password, open a session, sign an access token.

use super::check_password::{CheckError, check_password};
use crate::domain::session::{Secret, Session, Token};
use crate::startup::AppState;
use crate::store::account::Account;
use crate::store::throttle::{Purpose, Throttled};
use anyhow::Context as _;
use common::ids::SessionId;
use common::models::auth::{Device, LogIn, TokenPair};
use common::mongo::StoreError;
use common::time::Timestamp;
use std::net::IpAddr;

#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// Unknown address, wrong password, no password, or not active: a client never learns which.
    #[error("the address and the password do not belong to an account that may log in")]
    InvalidCredentials,
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no token could be issued")]
    Token(#[source] anyhow::Error),
}

pub async fn log_in(
    state: &AppState,
    address: IpAddr,
    device: Option<Device>,
    log_in: LogIn,
) -> Result<TokenPair, LogInError> {
    state.throttle.count_address(Purpose::LogIn, address).await?;
    let account = state.customers.find_by_email(&log_in.email).await?;
    // Without a hash to compare with, the comparison runs all the same: equal time for everyone who may not log in.
    let hash = account.as_ref().and_then(Account::login_hash);
    let belongs = check_password(state, &log_in.email, log_in.password, hash).await?;
    let account = account.filter(|_| belongs).ok_or(LogInError::InvalidCredentials)?;
    open_session(state, &account, device).await
}

async fn open_session(
    state: &AppState,
    account: &Account,
    device: Option<Device>,
) -> Result<TokenPair, LogInError> {
    let now = Timestamp::now();
    let secret = Secret::from_random(random().map_err(LogInError::Token)?);
    let salt = random().map_err(LogInError::Token)?;
    let session = Session::open(SessionId::new(), account.id, device, &secret, salt, now, &state.lifetimes);
    let token = Token { session_id: session.id, secret };
    let pair = token_pair(state, account, &token, now).map_err(LogInError::Token)?;
    state.sessions.insert(&session).await?;
    Ok(pair)
}

/// The answer to a log-in or a refresh.
pub(super) fn token_pair(
    state: &AppState,
    account: &Account,
    refresh_token: &Token,
    now: Timestamp,
) -> anyhow::Result<TokenPair> {
    let access_token = state.access_tokens.issue(account.id, account.role, refresh_token.session_id, now)?;
    Ok(TokenPair {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in: state.access_tokens.lifetime_s(),
        refresh_token: refresh_token.reveal(),
        customer_id: account.id,
    })
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("no randomness")?;
    Ok(bytes)
}
