//! Compares a password under the account's throttle: only a wrong one counts.

use crate::passwords::PasswordError;
use crate::startup::AppState;
use crate::store::throttle::{Purpose, Throttled};
use common::text::{Email, Password};

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// Whether the password belongs to the hash. Without a hash it does not, and takes as long.
pub async fn check_password(
    state: &AppState,
    email: &Email,
    password: Password,
    hash: Option<String>,
) -> Result<bool, CheckError> {
    let attempt = state.throttle.count_account(Purpose::LogIn, email).await?;
    let belongs = state.passwords.verify(password, hash).await;
    if !matches!(belongs, Ok(false)) {
        state.throttle.give_back(attempt).await;
    }
    Ok(belongs?)
}
