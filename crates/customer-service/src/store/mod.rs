//! What this service keeps in MongoDB (database `oms_customers`).

pub mod api_keys;
pub mod customers;
pub mod sessions;
pub mod throttle;
