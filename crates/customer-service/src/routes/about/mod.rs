//! What the API description says of each handler.

pub mod addresses;
pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod customers;
pub mod passwords;
pub mod privacy;
pub mod sessions;
pub mod staff;
