//! Invites someone to work in the shop: an account without a password, and a letter with a link that sets one.

use super::register_customer::new_account;
use super::send_mail::send_mail;
use crate::domain::mail_token::Purpose;
use crate::domain::registration::Registration;
use crate::startup::AppState;
use crate::store::account::Account;
use common::http::idempotency::IdempotencyKey;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::auth::StaffInvitation;
use common::mongo::StoreError;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Whoever has it already is given a role, not an invitation.
    #[error("the address belongs to another account")]
    EmailTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The invited account, and whether there was such an invitation before: then only its letter is sent again, and the
/// link in the earlier one is no longer good.
pub async fn invite_staff(
    state: &Arc<AppState>,
    actor: AuditActor,
    invitation: StaffInvitation,
    key: Option<IdempotencyKey>,
) -> Result<(Account, bool), InviteError> {
    let StaffInvitation { email, name, role } = invitation;
    let id = match &key {
        Some(key) => CustomerId::derived(&[b"invite_staff", email.key().as_bytes(), key.as_bytes()]),
        None => CustomerId::new(),
    };
    let account = new_account(id, &Registration { email, name, password: None }, None, role);
    let event = |id: CustomerId| {
        AuditEvent::new(actor.clone(), "customer.invited", AuditSubject::customer(id))
            .with("role", role.as_str())
    };
    if state.customers.insert(&account, &event(id)).await? {
        send_mail(state, &account, Purpose::AcceptInvitation);
        return Ok((account, false));
    }
    let found = match state.customers.find_by_email(&account.email).await? {
        Some(found) => Some(found),
        // Its own twin may have been first, too young for a majority to see.
        None => state.customers.find_settled(id).await?,
    };
    let waiting =
        found.filter(|found| found.is_active() && found.password_hash.is_none() && found.role == role);
    let waiting = waiting.ok_or(InviteError::EmailTaken)?;
    state.audit.append(&event(waiting.id)).await?;
    send_mail(state, &waiting, Purpose::AcceptInvitation);
    Ok((waiting, true))
}
