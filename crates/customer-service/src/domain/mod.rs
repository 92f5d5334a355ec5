//! The rules of accounts and sessions, pure.

pub mod permission;
pub mod registration;
pub mod session;
