//! Changes what an account says of its owner; a new address is to be verified anew.

use super::change_account::{Change, ChangeError, changed};
use super::send_mail::send_mail;
use crate::domain::mail_token::Purpose;
use crate::startup::AppState;
use crate::store::account::Account;
use common::auth::caller::Caller;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::customer::{CustomerChange, CustomerStatus};
use std::sync::Arc;

/// `expected` is the version that the caller believes is current, where they named one.
pub async fn change_customer(
    state: Arc<AppState>,
    caller: &Caller,
    actor: AuditActor,
    id: CustomerId,
    expected: Option<i64>,
    change: &CustomerChange,
) -> Result<Account, ChangeError> {
    let fields = changed_fields(change);
    let event =
        AuditEvent::new(actor, "customer.changed", AuditSubject::customer(id)).with("fields", fields.clone());
    let mut attempts = Change::new(&state, caller, id, expected);
    loop {
        let account = attempts.next().await?;
        if fields.is_empty() {
            return Ok(account);
        }
        if let Some(after) = changed(state.customers.change(&account, change, &event).await?)? {
            if account.email_key != after.email_key {
                send_mail(&state, &after, Purpose::VerifyEmail);
            }
            return Ok(after);
        }
    }
}

fn changed_fields(change: &CustomerChange) -> Vec<&'static str> {
    let fields = [
        (change.email.is_some(), "email"),
        (change.name.is_some(), "name"),
        (change.phone.is_some(), "phone"),
        (change.marketing_consent.is_some(), "marketingConsent"),
    ];
    fields.into_iter().filter(|(is_changed, _)| *is_changed).map(|(_, name)| name).collect()
}

/// Deactivates an account, or activates it again; one that is so already stays as it is.
pub async fn set_status(
    state: &AppState,
    caller: &Caller,
    actor: AuditActor,
    id: CustomerId,
    expected: Option<i64>,
    status: CustomerStatus,
) -> Result<Account, ChangeError> {
    let action = match status {
        CustomerStatus::Active => "customer.reactivated",
        CustomerStatus::Deactivated => "customer.deactivated",
    };
    let event = AuditEvent::new(actor, action, AuditSubject::customer(id));
    let mut attempts = Change::new(state, caller, id, expected);
    loop {
        let account = attempts.next().await?;
        if account.status == status {
            return Ok(account);
        }
        let written = state.customers.set_status(&account, status, &event).await?;
        if let Some(account) = changed(written.ok_or(ChangeError::LastAdmin)?)? {
            return Ok(account);
        }
    }
}
