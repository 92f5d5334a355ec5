//! Changes an account: whoever may, and only the version that they have seen.

use crate::domain::permission::may_change_other;
use crate::startup::AppState;
use crate::store::customers::{Account, Changed};
use common::auth::caller::Caller;
use common::ids::CustomerId;
use common::models::customer::CustomerChange;
use common::mongo::StoreError;
use common::time::Timestamp;

/// Changes of one account that may collide before one of them gives up.
const ATTEMPTS: usize = 5;

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("no such customer")]
    NotFound,
    /// The account is of someone whom the caller may not change.
    #[error("the account is not the caller's to change")]
    Forbidden,
    #[error("the account is at version {version}")]
    Stale { version: i64 },
    #[error("the address belongs to another account")]
    EmailTaken,
    #[error("the account changed too often while it was changed")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `expected` is the version that the caller believes is current, where they named one.
pub async fn change_customer(
    state: &AppState,
    caller: &Caller,
    id: CustomerId,
    expected: Option<i64>,
    change: &CustomerChange,
) -> Result<Account, ChangeError> {
    for attempt in 0..ATTEMPTS {
        // After a collision a majority read may still see the version that lost.
        let found = if attempt == 0 {
            state.customers.find(id).await?
        } else {
            state.customers.find_settled(id).await?
        };
        let account = found.ok_or(ChangeError::NotFound)?;
        if !caller.is(id) && !may_change_other(caller.power(), account.role) {
            return Err(ChangeError::Forbidden);
        }
        if expected.is_some_and(|expected| expected != account.version) {
            return Err(ChangeError::Stale { version: account.version });
        }
        if change.email.is_none() && change.name.is_none() {
            return Ok(account);
        }
        match state.customers.change(id, account.version, change, Timestamp::now()).await? {
            Changed::Done(account) => return Ok(*account),
            Changed::EmailTaken => return Err(ChangeError::EmailTaken),
            Changed::Stale => {}
        }
    }
    Err(ChangeError::Contended)
}
