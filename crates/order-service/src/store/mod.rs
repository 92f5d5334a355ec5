//! What order-service keeps in MongoDB.

pub mod backlog;
pub mod listing;
pub mod orders;
pub mod person;
pub mod unfinished;
