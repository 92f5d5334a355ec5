//! The other services, as orders need them.

pub mod customers;
pub mod directory;
pub mod event_logs;
pub mod ledger;
pub mod receiver;
