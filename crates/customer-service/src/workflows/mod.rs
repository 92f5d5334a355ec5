//! The order of steps where there are two effects or more.

pub mod change_account;
pub mod change_customer;
pub mod change_password;
pub mod change_role;
pub mod check_password;
pub mod create_api_key;
pub mod ensure_first_admin;
pub mod erase_customer;
pub mod export_customer;
pub mod export_customers;
pub mod invite_staff;
pub mod keep_addresses;
pub mod log_in;
pub mod read_audit_trail;
pub mod refresh_session;
pub mod register_customer;
pub mod send_mail;
pub mod show_standing;
