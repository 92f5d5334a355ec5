//! The order of steps where there are two effects or more.

pub mod change_order;
pub mod check_location;
pub mod deliver_effects;
pub mod dispatch_webhooks;
pub mod edit_order;
pub mod import_orders;
pub mod keep_webhooks;
pub mod place_order;
pub mod placement;
pub mod quote_order;
pub mod rarely;
pub mod read_feed;
pub mod replay_webhooks;
mod reserve_imported;
mod send_webhooks;
pub mod sweep;
