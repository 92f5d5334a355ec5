//! Changes a password: by who knows the current one, or by a link that was sent to the address.

use super::change_account::{Change, ChangeError, changed};
use super::check_password::{CheckError, check_password};
use super::send_mail::send_mail;
use crate::domain::mail_token::{MailToken, Purpose};
use crate::domain::password_rule::{self, CommonPassword};
use crate::passwords::PasswordError;
use crate::startup::AppState;
use crate::store::account::Account;
use crate::store::customers::{Changed, Revoke};
use crate::store::throttle::{Purpose as Counted, Throttled};
use common::auth::caller::{Caller, Person};
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::customer::PasswordChange;
use common::mongo::StoreError;
use common::text::{Email, Password};
use common::time::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    #[error("is not the account's password")]
    WrongPassword,
    #[error(transparent)]
    Common(#[from] CommonPassword),
    /// Unknown, used before, expired, or of an address that the account no longer has.
    #[error("is not good, or no longer")]
    InvalidToken,
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Busy(#[from] crate::background::Busy),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes the caller's own password and ends their other sessions.
pub async fn change_password(
    state: &AppState,
    person: &Person,
    actor: AuditActor,
    change: PasswordChange,
) -> Result<(), PasswordChangeError> {
    let (id, caller) = (person.customer_id, Caller::Person(person.clone()));
    let account = state.customers.find(id).await?.ok_or(ChangeError::NotFound)?;
    if !check_password(state, &account.email, change.current_password, account.login_hash()).await? {
        return Err(PasswordChangeError::WrongPassword);
    }
    password_rule::check(&change.new_password, &account.email, &account.name)?;
    let proven = account.password_hash;
    let hash = state.passwords.hash(change.new_password).await?;
    let event = AuditEvent::new(actor, "customer.password_changed", AuditSubject::customer(id));
    let mut attempts = Change::new(state, &caller, id, None);
    loop {
        let account = attempts.next().await?;
        if account.password_hash != proven {
            // Changed since it was compared: the password that was given is no longer the current one.
            return Err(PasswordChangeError::WrongPassword);
        }
        let revoke = Revoke::AllBut(person.session_id);
        if changed(state.customers.set_password(&account, &hash, revoke, &event).await?)?.is_some() {
            return Ok(());
        }
    }
}

/// Sends a link that resets the password, if the address has an account. The answer says nothing of that, and takes as
/// long: looking, and all that follows from it, comes after the answer.
pub async fn request_reset(
    state: Arc<AppState>,
    address: IpAddr,
    email: Email,
) -> Result<(), PasswordChangeError> {
    state.throttle.count_address(Counted::Reset, address).await?;
    state.throttle.count_account(Counted::Reset, &email).await?;
    let looking = state.clone();
    let looked_for = async move {
        match looking.customers.find_by_email(&email).await {
            Ok(Some(account)) if account.is_active() => send_mail(&looking, &account, Purpose::ResetPassword),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "a password reset was asked for and not sent"),
        }
    };
    Ok(state.background.start(looked_for)?)
}

/// Sets the password of the account whose token this is, and ends all its sessions.
pub async fn confirm_reset(
    state: &AppState,
    address: IpAddr,
    token: &str,
    password: Password,
) -> Result<(), PasswordChangeError> {
    state.throttle.count_address(Counted::Reset, address).await?;
    let (hash, account) = find_account(state, token, Purpose::ResetPassword).await?;
    password_rule::check(&password, &account.email, &account.name)?;
    let password_hash = state.passwords.hash(password).await?;
    let event = token_event(&account, address, "customer.password_reset");
    match state.mail_tokens.reset_password(hash, &account, &password_hash, &event).await? {
        Changed::Done(_) => Ok(()),
        Changed::Stale | Changed::EmailTaken => Err(PasswordChangeError::InvalidToken),
    }
}

/// Sends the caller another link that verifies their address.
pub async fn request_verification(
    state: &Arc<AppState>,
    id: CustomerId,
    address: IpAddr,
) -> Result<(), PasswordChangeError> {
    state.throttle.count_address(Counted::Reset, address).await?;
    let account = state.customers.find(id).await?.ok_or(ChangeError::NotFound)?;
    state.throttle.count_account(Counted::Reset, &account.email).await?;
    if account.is_active() && account.email_verified_at.is_none() {
        send_mail(state, &account, Purpose::VerifyEmail);
    }
    Ok(())
}

/// Marks the address as verified that the token was sent to.
pub async fn confirm_verification(
    state: &AppState,
    address: IpAddr,
    token: &str,
) -> Result<(), PasswordChangeError> {
    state.throttle.count_address(Counted::Reset, address).await?;
    let (hash, account) = find_account(state, token, Purpose::VerifyEmail).await?;
    let event = token_event(&account, address, "customer.email_verified");
    match state.mail_tokens.verify_email(hash, &account, &event).await? {
        Changed::Done(_) => Ok(()),
        Changed::Stale | Changed::EmailTaken => Err(PasswordChangeError::InvalidToken),
    }
}

/// Gives an invited account its first password.
pub async fn accept_invitation(
    state: &AppState,
    address: IpAddr,
    token: &str,
    password: Password,
) -> Result<(), PasswordChangeError> {
    state.throttle.count_address(Counted::Reset, address).await?;
    let (hash, account) = find_account(state, token, Purpose::AcceptInvitation).await?;
    password_rule::check(&password, &account.email, &account.name)?;
    let password_hash = state.passwords.hash(password).await?;
    let event = token_event(&account, address, "customer.invitation_accepted");
    match state.mail_tokens.accept_invitation(hash, &account, &password_hash, &event).await? {
        Changed::Done(_) => Ok(()),
        Changed::Stale | Changed::EmailTaken => Err(PasswordChangeError::InvalidToken),
    }
}

/// The active account that a good token is of, while it still has the address that the token was sent to.
async fn find_account(
    state: &AppState,
    token: &str,
    purpose: Purpose,
) -> Result<(crate::domain::mail_token::TokenHash, Account), PasswordChangeError> {
    let hash = MailToken::parse(token).ok_or(PasswordChangeError::InvalidToken)?.hash();
    let token = state.mail_tokens.find(hash, purpose, Timestamp::now()).await?;
    let token = token.ok_or(PasswordChangeError::InvalidToken)?;
    let account = state.customers.find(token.customer_id).await?;
    let account = account.filter(|account| account.is_active() && account.email_key == token.email_key);
    Ok((hash, account.ok_or(PasswordChangeError::InvalidToken)?))
}

fn token_event(account: &Account, address: IpAddr, action: &'static str) -> AuditEvent {
    AuditEvent::new(AuditActor::account(account.id, address), action, AuditSubject::customer(account.id))
}
