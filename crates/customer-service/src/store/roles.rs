//! Roles of accounts.

use super::account::Account;
use super::customers::{Changed, Customers, Revoke};
use common::models::audit::AuditEvent;
use common::models::auth::Role;
use common::mongo::StoreError;
use mongodb::bson::doc;

impl Customers {
    /// Gives the version that was read another role and ends its sessions, so that tokens with the old role are
    /// short-lived; `None` where it would take away the last active administrator.
    pub async fn assign_role(
        &self,
        account: &Account,
        role: Role,
        event: &AuditEvent,
    ) -> Result<Option<Changed>, StoreError> {
        let update = doc! { "$set": { "role": role.as_str(), "updatedAt": event.at } };
        if role == Role::Admin {
            return self.write(account, update, Revoke::All, event).await.map(Some);
        }
        self.write_guarded(account, update, Revoke::All, event).await
    }
}
