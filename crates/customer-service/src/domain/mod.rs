//! The rules of accounts, addresses and sessions, pure.

pub mod address_book;
pub mod device;
pub mod mail_token;
pub mod password_rule;
pub mod permission;
pub mod registration;
pub mod session;
