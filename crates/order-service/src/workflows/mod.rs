//! The order of steps where there are two effects or more.

pub mod change_order;
pub mod check_location;
pub mod deliver_effects;
pub mod edit_order;
pub mod import_orders;
pub mod place_order;
pub mod quote_order;
pub mod rarely;
pub mod read_feed;
mod reserve_imported;
pub mod sweep;
