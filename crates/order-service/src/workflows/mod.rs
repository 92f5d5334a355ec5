//! The order of steps where there are two effects or more.

pub mod cancel_order;
pub mod deliver_effects;
pub mod place_order;
pub mod sweep;
