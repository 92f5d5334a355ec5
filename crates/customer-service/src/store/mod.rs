//! What this service keeps in MongoDB (database `oms_customers`).

pub mod account;
pub mod account_changes;
pub mod api_keys;
pub mod customer_search;
pub mod customers;
pub mod erasure;
pub mod events;
pub mod mail_tokens;
pub mod roles;
pub mod sessions;
pub mod throttle;
