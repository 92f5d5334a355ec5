//! Adds, changes and removes addresses of an account.

use super::change_account::{Change, ChangeError, changed};
use crate::domain::address_book::{AddressBook, BookError, Entry};
use crate::startup::AppState;
use crate::store::account::Account;
use common::auth::caller::Caller;
use common::http::idempotency::IdempotencyKey;
use common::ids::{AddressId, CustomerId};
use common::models::address::{AddressChange, NewAddress};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::time::Timestamp;

#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error(transparent)]
    Book(#[from] BookError),
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// An address, the version of its customer, and whether an earlier request had added it.
pub struct Kept {
    pub entry: Entry,
    pub version: i64,
    pub is_replay: bool,
}

/// Whose addresses, by whom.
pub struct Keeper<'a> {
    pub caller: &'a Caller,
    pub actor: AuditActor,
    pub customer: CustomerId,
    /// The version that the caller believes is current, where they named one.
    pub expected: Option<i64>,
}

pub async fn add_address(
    state: &AppState,
    keeper: Keeper<'_>,
    key: Option<IdempotencyKey>,
    new: NewAddress,
) -> Result<Kept, AddressError> {
    let id = match &key {
        Some(key) => AddressId::derived(&[b"add address", keeper.customer.as_bytes(), key.as_bytes()]),
        None => AddressId::new(),
    };
    // A repeat finds its address whatever has changed since.
    if key.is_some()
        && let Some(account) = state.customers.find(keeper.customer).await.map_err(ChangeError::from)?
        && let Some(entry) = account.address_book().replayed(id, &new)?
    {
        return Ok(Kept { entry: entry.clone(), version: account.version, is_replay: true });
    }
    let added = |book: &AddressBook| match book.replayed(id, &new)? {
        Some(_) => Ok(book.clone()),
        None => book.with(id, new.clone(), key.is_some(), Timestamp::now()),
    };
    let account = change_book(state, &keeper, "customer.address_added", id, added).await?;
    found(account, id)
}

pub async fn change_address(
    state: &AppState,
    keeper: Keeper<'_>,
    id: AddressId,
    change: AddressChange,
) -> Result<Kept, AddressError> {
    let changed = |book: &AddressBook| book.changed(id, change.clone());
    let account = change_book(state, &keeper, "customer.address_changed", id, changed).await?;
    found(account, id)
}

/// Answers the version of the customer without it.
pub async fn remove_address(
    state: &AppState,
    keeper: Keeper<'_>,
    id: AddressId,
) -> Result<i64, AddressError> {
    let removed = |book: &AddressBook| book.without(id);
    Ok(change_book(state, &keeper, "customer.address_removed", id, removed).await?.version)
}

fn found(account: Account, id: AddressId) -> Result<Kept, AddressError> {
    let entry = account.address_book().find(id).cloned().ok_or(BookError::NotFound)?;
    Ok(Kept { entry, version: account.version, is_replay: false })
}

async fn change_book(
    state: &AppState,
    keeper: &Keeper<'_>,
    action: &'static str,
    id: AddressId,
    change: impl Fn(&AddressBook) -> Result<AddressBook, BookError> + Sync,
) -> Result<Account, AddressError> {
    let event = AuditEvent::new(keeper.actor.clone(), action, AuditSubject::customer(keeper.customer))
        .with("addressId", id.to_string());
    let mut attempts = Change::new(state, keeper.caller, keeper.customer, keeper.expected);
    loop {
        let account = attempts.next().await?;
        let before = account.address_book();
        let book = change(&before)?;
        if book == before {
            return Ok(account);
        }
        let written =
            state.customers.set_addresses(&account, &book, &event).await.map_err(ChangeError::from)?;
        if let Some(account) = changed(written)? {
            return Ok(account);
        }
    }
}
