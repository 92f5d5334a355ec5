//! What order-service keeps in MongoDB.

pub mod backlog;
pub mod deliveries;
pub mod events;
pub mod listing;
pub mod orders;
pub mod person;
pub mod unfinished;
pub mod webhooks;
