//! What every change of an account begins with: read it, see whether the caller may, see whether it is the version that
//! they mean; and begins with again where someone else was first.

use crate::domain::permission::may_change_other;
use crate::startup::AppState;
use crate::store::account::Account;
use crate::store::customers::Changed;
use common::auth::caller::Caller;
use common::ids::CustomerId;
use common::mongo::StoreError;

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
    /// Nobody could give the role to anybody any more.
    #[error("the account is the last active administrator")]
    LastAdmin,
    /// Of the person nothing is left that could be changed.
    #[error("the customer was erased")]
    Erased,
    #[error("the account changed too often while it was changed")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One change of an account, tried until nobody else was first.
pub struct Change<'a> {
    pub state: &'a AppState,
    pub caller: &'a Caller,
    pub id: CustomerId,
    /// The version that the caller believes is current, where they named one.
    pub expected: Option<i64>,
    tried: usize,
}

impl<'a> Change<'a> {
    pub const fn new(state: &'a AppState, caller: &'a Caller, id: CustomerId, expected: Option<i64>) -> Self {
        Self { state, caller, id, expected, tried: 0 }
    }

    /// The account as it is to be changed now, by a caller who may.
    pub async fn next(&mut self) -> Result<Account, ChangeError> {
        let found = match self.tried {
            0 => self.state.customers.find(self.id).await?,
            // After a collision a majority read may still see the version that lost.
            1..ATTEMPTS => self.state.customers.find_settled(self.id).await?,
            _ => return Err(ChangeError::Contended),
        };
        self.tried += 1;
        let account = found.ok_or(ChangeError::NotFound)?;
        if !self.caller.is(self.id) && !may_change_other(self.caller.power(), account.role) {
            return Err(ChangeError::Forbidden);
        }
        if self.expected.is_some_and(|expected| expected != account.version) {
            return Err(ChangeError::Stale { version: account.version });
        }
        if account.erasure.is_some() {
            return Err(ChangeError::Erased);
        }
        Ok(account)
    }
}

/// The account after its change; `None`: somebody else was first.
pub fn changed(changed: Changed) -> Result<Option<Account>, ChangeError> {
    match changed {
        Changed::Done(account) => Ok(Some(*account)),
        Changed::Stale => Ok(None),
        Changed::EmailTaken => Err(ChangeError::EmailTaken),
    }
}
