//! The order of steps where there are two effects or more.

pub mod change_customer;
pub mod check_password;
pub mod ensure_first_admin;
pub mod log_in;
pub mod refresh_session;
pub mod register_customer;
