//! Gives an account another role; the last administrator keeps theirs.

use super::change_account::{Change, ChangeError, changed};
use crate::startup::AppState;
use crate::store::account::Account;
use common::auth::caller::Caller;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::auth::Role;

/// `expected` is the version that the caller, an administrator, believes is current, where they named one.
pub async fn change_role(
    state: &AppState,
    caller: &Caller,
    actor: AuditActor,
    id: CustomerId,
    expected: Option<i64>,
    role: Role,
) -> Result<Account, ChangeError> {
    let mut attempts = Change::new(state, caller, id, expected);
    loop {
        let account = attempts.next().await?;
        if account.role == role {
            return Ok(account);
        }
        let event = AuditEvent::new(actor.clone(), "customer.role_changed", AuditSubject::customer(id))
            .with("from", account.role.as_str())
            .with("to", role.as_str());
        let written = state.customers.assign_role(&account, role, &event).await?;
        if let Some(account) = changed(written.ok_or(ChangeError::LastAdmin)?)? {
            return Ok(account);
        }
    }
}
