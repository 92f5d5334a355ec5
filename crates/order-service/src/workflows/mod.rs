//! The order of steps where there are two effects or more.

pub mod change_order;
pub mod deliver_effects;
pub mod edit_order;
pub mod place_order;
pub mod rarely;
pub mod read_feed;
pub mod sweep;
