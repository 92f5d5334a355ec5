//! customer-service owns the customers and their sessions (database `oms_customers`). It promises: an address is one
//! account, a password is known to nobody but its owner, and a refresh token that was used twice ends its session.

pub mod background;
pub mod clients;
pub mod config;
pub mod domain;
pub mod keys;
pub mod mail;
pub mod metrics;
pub mod passwords;
pub mod routes;
pub mod startup;
pub mod store;
pub mod tokens;
pub mod workflows;
