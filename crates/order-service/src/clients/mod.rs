//! The other services, as orders need them.

pub mod customers;
pub mod directory;
pub mod ledger;
