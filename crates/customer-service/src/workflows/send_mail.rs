//! Sends a letter with a fresh token, after the answer to whoever caused it.

use crate::domain::mail_token::{MailToken, Purpose};
use crate::startup::AppState;
use crate::store::account::Account;
use anyhow::Context as _;
use common::time::Timestamp;
use std::sync::Arc;

/// Keeps the token's hash and sends the token; what fails is told to the log.
pub fn send_mail(state: &Arc<AppState>, account: &Account, purpose: Purpose) {
    let (sender, account) = (state.clone(), account.clone());
    let id = account.id;
    let sent = async move {
        match fresh_token(&sender, &account, purpose).await {
            Ok(token) => sender.mailer.send(account.id, &account.email, purpose, &token).await,
            Err(cause) => {
                let (customer_id, purpose) = (account.id, purpose.name());
                tracing::error!(%customer_id, purpose, cause = format!("{cause:#}"), "mail not sent");
            }
        }
    };
    if state.background.start(sent).is_err() {
        tracing::warn!(customer_id = %id, purpose = purpose.name(), "mail not sent: too many are on their way");
    }
}

async fn fresh_token(state: &AppState, account: &Account, purpose: Purpose) -> anyhow::Result<MailToken> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("no randomness")?;
    let token = MailToken::from_random(bytes);
    state.mail_tokens.replace(token.hash(), purpose, account, Timestamp::now()).await?;
    Ok(token)
}
