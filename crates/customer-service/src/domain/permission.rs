//! Who may change whose account.

use common::models::auth::Role;

/// Whether a role may change an account that is someone else's. Whoever could change a more powerful account's address
/// could take the account over.
pub const fn may_change_other(caller: Role, account: Role) -> bool {
    match caller {
        Role::Customer => false,
        Role::Staff => matches!(account, Role::Customer),
        Role::Admin => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_changes_only_the_accounts_that_it_is_trusted_with() {
        use Role::{Admin, Customer, Staff};
        for (caller, account, expected) in [
            (Customer, Customer, false),
            (Customer, Staff, false),
            (Customer, Admin, false),
            (Staff, Customer, true),
            (Staff, Staff, false),
            (Staff, Admin, false),
            (Admin, Customer, true),
            (Admin, Staff, true),
            (Admin, Admin, true),
        ] {
            assert_eq!(may_change_other(caller, account), expected, "{caller:?} {account:?}");
        }
    }
}
