//! Erases a person: the account keeps its identity and nothing else, the orders keep their accounting.

use super::change_account::{Change, ChangeError, changed};
use super::check_password::{CheckError, check_password};
use crate::config::SweeperSettings;
use crate::startup::AppState;
use crate::store::account::Account;
use common::auth::caller::Caller;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::customer::Erasure;
use common::mongo::StoreError;
use common::time::Timestamp;

#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("must be given to erase one's own account")]
    PasswordMissing,
    #[error("is not the account's password")]
    WrongPassword,
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Erases the account at once, and what the orders hold right after; what fails of that is for the sweeper. A repeat
/// answers the same.
pub async fn erase_customer(
    state: &AppState,
    caller: &Caller,
    actor: AuditActor,
    id: CustomerId,
    erasure: Erasure,
) -> Result<(), EraseError> {
    let account = state.customers.find(id).await?.ok_or(ChangeError::NotFound)?;
    if account.erasure.is_some() {
        return Ok(());
    }
    if caller.is(id) {
        let password = erasure.current_password.ok_or(EraseError::PasswordMissing)?;
        if !check_password(state, &account.email, password, account.login_hash()).await? {
            return Err(EraseError::WrongPassword);
        }
    }
    let event = AuditEvent::new(actor, "customer.erased", AuditSubject::customer(id));
    let mut attempts = Change::new(state, caller, id, None);
    let erased = loop {
        let account = attempts.next().await?;
        let written = state.customers.erase(&account, &event).await?;
        if let Some(account) = changed(written.ok_or(ChangeError::LastAdmin)?)? {
            break account;
        }
    };
    erase_orders(state, &erased).await;
    Ok(())
}

/// One turn of the sweeper: has order-service erase what it holds, until nothing can follow any more.
pub async fn sweep_erasures(state: &AppState, settings: &SweeperSettings) {
    let accounts = match state.customers.erasures_due().await {
        Ok(accounts) => accounts,
        Err(error) => {
            tracing::warn!(%error, "erased customers cannot be listed");
            return;
        }
    };
    for account in accounts {
        let Some(erasure) = account.erasure else { continue };
        // An order may have been on its way when the account was closed: only what was erased after that is complete.
        let is_settled = Timestamp::now() >= erasure.at.plus_millis(settings.settled_after_ms);
        if !erase_orders(state, &account).await || !is_settled {
            continue;
        }
        let actor = AuditActor::service("customer-service");
        let event = AuditEvent::new(actor, "customer.erasure_completed", AuditSubject::customer(account.id));
        match state.customers.complete_erasure(&account, &event).await {
            Ok(_) => tracing::info!(customer_id = %account.id, "erasure complete"),
            Err(error) => tracing::warn!(customer_id = %account.id, %error, "erasure not marked as complete"),
        }
    }
}

/// `false` where it failed.
async fn erase_orders(state: &AppState, account: &Account) -> bool {
    match state.orders.erase(account.id).await {
        Ok(orders) => {
            tracing::info!(customer_id = %account.id, orders, "orders erased of what is personal");
            true
        }
        Err(error) => {
            tracing::warn!(customer_id = %account.id, %error, "orders are still to be erased");
            false
        }
    }
}
