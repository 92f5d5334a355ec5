//! Makes the first administrator at the start, whoever of the replicas comes first.

use super::register_customer::new_account;
use crate::config::AdminSettings;
use crate::domain::registration::Registration;
use crate::startup::AppState;
use crate::store::account::Account;
use crate::store::customers::Changed;
use anyhow::Context as _;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::auth::Role;
use common::models::customer::PersonName;
use common::text::{Email, Password};
use common::time::Timestamp;
use secrecy::ExposeSecret;

/// What the first administrator is called until they say otherwise.
const NAME: &str = "Administrator";

/// Makes sure that an administrator with the settings' address exists. The password of an account that is there
/// already stays as it is.
pub async fn ensure_first_admin(state: &AppState, settings: &AdminSettings) -> anyhow::Result<()> {
    if settings.email.expose_secret().is_empty() {
        return Ok(());
    }
    let email: Email = settings.email.expose_secret().parse().context("admin.email (ADMIN_EMAIL)")?;
    let password: Password =
        settings.password.expose_secret().parse().context("admin.password (ADMIN_PASSWORD)")?;
    match state.customers.find_by_email(&email).await.context("find the administrator")? {
        Some(account) if account.role == Role::Admin => Ok(()),
        Some(account) => promote(state, account, password).await,
        None => create(state, email, password).await,
    }
}

async fn create(state: &AppState, email: Email, password: Password) -> anyhow::Result<()> {
    let hash = state.passwords.hash(password).await.context("hash the administrator's password")?;
    let registration = Registration { email, name: PersonName::parse(NAME)?, password: None };
    let account = new_account(CustomerId::new(), &registration, Some(hash), Role::Admin);
    let actor = AuditActor::service("customer-service");
    let event = AuditEvent::new(actor, "customer.registered", AuditSubject::customer(account.id))
        .with("role", "admin");
    if state.customers.insert(&account, &event).await.context("create the administrator")? {
        tracing::info!(customer_id = %account.id, "created the first administrator");
    }
    // Otherwise another replica was first.
    Ok(())
}

/// An account of another role with this address may be anybody's: addresses are not verified. Knowing the
/// administrator's password shows that it is theirs.
async fn promote(state: &AppState, account: Account, password: Password) -> anyhow::Result<()> {
    let is_theirs =
        state.passwords.verify(password, account.login_hash()).await.context("compare the password")?;
    if !is_theirs {
        tracing::warn!(
            customer_id = %account.id,
            "the address of admin.email (ADMIN_EMAIL) belongs to an account that is no administrator and has another \
             password; it stays as it is: choose another address"
        );
        return Ok(());
    }
    let changed = state.customers.change_role(account.id, account.version, Role::Admin, Timestamp::now());
    match changed.await.context("make the account an administrator")? {
        Changed::Done(_) => tracing::info!(customer_id = %account.id, "made the account an administrator"),
        Changed::Stale | Changed::EmailTaken => {
            tracing::info!(customer_id = %account.id, "the account was changed by another replica");
        }
    }
    Ok(())
}
