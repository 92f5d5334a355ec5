//! Registers a customer: once for each address, and once for each idempotency key.

use super::check_password::{CheckError, check_password};
use super::send_mail::send_mail;
use crate::domain::mail_token::Purpose;
use crate::domain::password_rule::{self, CommonPassword};
use crate::domain::registration::Registration;
use crate::passwords::PasswordError;
use crate::startup::AppState;
use crate::store::account::{Account, stored_fingerprint};
use crate::store::throttle::{Purpose as Counted, Throttled};
use common::http::idempotency::IdempotencyKey;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::auth::Role;
use common::models::customer::CustomerStatus;
use common::mongo::StoreError;
use common::text::folded;
use common::time::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("the address belongs to another account")]
    EmailTaken,
    /// The key names another registration.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Common(#[from] CommonPassword),
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account, and whether an earlier request had made it.
pub struct Registered {
    pub account: Account,
    pub is_replay: bool,
}

/// Who registers: somebody themselves, or staff for somebody.
pub enum Registrar {
    Themselves(IpAddr),
    Staff(AuditActor),
}

pub async fn register_customer(
    state: &Arc<AppState>,
    registrar: Registrar,
    registration: Registration,
    key: Option<IdempotencyKey>,
) -> Result<Registered, RegisterError> {
    if let Registrar::Themselves(address) = &registrar {
        state.throttle.count_address(Counted::Register, *address).await?;
        state.throttle.count_account(Counted::Register, &registration.email).await?;
    }
    let derived = key.map(|key| registration.derived_id(key.as_bytes()));
    if let Some(id) = derived
        && let Some(account) = state.customers.find(id).await?
    {
        return replay(state, account, registration).await;
    }
    // Asked before the password is hashed, which costs much; the unique index decides all the same.
    match state.customers.find_by_email(&registration.email).await? {
        Some(account) if derived == Some(account.id) => return replay(state, account, registration).await,
        Some(_) => return Err(RegisterError::EmailTaken),
        None => {}
    }
    let id = derived.unwrap_or_default();
    let password_hash = match registration.password.clone() {
        Some(password) => {
            password_rule::check(&password, &registration.email, &registration.name)?;
            Some(state.passwords.hash(password).await?)
        }
        None => None,
    };
    let mut account = new_account(id, &registration, password_hash, Role::Customer);
    account.fingerprint = derived.map(|_| stored_fingerprint(registration.fingerprint()));
    let is_by_themselves = matches!(registrar, Registrar::Themselves(_));
    let actor = match registrar {
        Registrar::Themselves(address) => AuditActor::account(id, address),
        Registrar::Staff(actor) => actor,
    };
    let event = AuditEvent::new(actor, "customer.registered", AuditSubject::customer(id));
    if state.customers.insert(&account, &event).await? {
        if is_by_themselves {
            send_mail(state, &account, Purpose::VerifyEmail);
        }
        return Ok(Registered { account, is_replay: false });
    }
    // Its own twin may have been first.
    match state.customers.find_settled(id).await? {
        Some(account) => replay(state, account, registration).await,
        None => Err(RegisterError::EmailTaken),
    }
}

/// Answers a repeat with the account that the first request made, if it asks for the same and knows the password.
async fn replay(
    state: &AppState,
    account: Account,
    registration: Registration,
) -> Result<Registered, RegisterError> {
    if !account.was_made_by(&registration.fingerprint()) {
        return Err(RegisterError::KeyReused);
    }
    let is_same = match (registration.password, account.password_hash.clone()) {
        // Counted like a log-in: a repeat must not be a way to guess passwords past the throttle.
        (Some(password), hash @ Some(_)) => {
            check_password(state, &registration.email, password, hash).await?
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if is_same { Ok(Registered { account, is_replay: true }) } else { Err(RegisterError::KeyReused) }
}

/// An active account at its first version.
pub(super) fn new_account(
    id: CustomerId,
    registration: &Registration,
    password_hash: Option<String>,
    role: Role,
) -> Account {
    let now = Timestamp::now();
    Account {
        id,
        email: registration.email.clone(),
        email_key: registration.email.key(),
        email_verified_at: None,
        name: registration.name.clone(),
        name_key: folded(&registration.name),
        phone: None,
        marketing_consent: false,
        marketing_consent_at: None,
        addresses: Vec::new(),
        password_hash,
        role,
        status: CustomerStatus::Active,
        version: 1,
        created_at: now,
        updated_at: now,
        sessions_revoked_at: None,
        fingerprint: None,
        erasure: None,
    }
}
