//! What this service keeps in MongoDB (database `oms_customers`).

pub mod customers;
pub mod sessions;
pub mod throttle;
