//! What order-service keeps in MongoDB.

pub mod backlog;
pub mod events;
pub mod listing;
pub mod orders;
pub mod person;
pub mod unfinished;
