//! What order-service keeps in MongoDB.

pub mod orders;
pub mod person;
pub mod unfinished;
