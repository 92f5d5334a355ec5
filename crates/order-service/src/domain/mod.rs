//! The rules of orders: pure, without HTTP, database, clock or randomness.

pub mod draft;
pub mod endpoint;
pub mod event;
pub mod feed;
pub mod historic;
pub mod moves;
pub mod order;
pub mod shown;
pub mod target;
pub mod webhook;
