//! The other services, as customer-service needs them.

pub mod orders;
pub mod products;
