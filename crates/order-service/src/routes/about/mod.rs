//! What the API description says of each handler.

pub mod events;
pub mod files;
pub mod lists;
pub mod moves;
pub mod one_order;
pub mod orders;
pub mod webhooks;
