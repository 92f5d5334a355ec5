//! The other services, as customer-service needs them.

pub mod audit_trails;
pub mod orders;
