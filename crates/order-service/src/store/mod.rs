//! What order-service keeps in MongoDB.

pub mod listing;
pub mod orders;
pub mod person;
pub mod unfinished;
