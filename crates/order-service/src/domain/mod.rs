//! The rules of orders: pure, without HTTP, database, clock or randomness.

pub mod draft;
pub mod historic;
pub mod moves;
pub mod order;
