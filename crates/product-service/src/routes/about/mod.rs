//! What the API description says of each handler.

pub(super) mod bulk;
pub(super) mod categories;
pub(super) mod find;
pub(super) mod inventory;
pub(super) mod locations;
pub(super) mod movements;
pub(super) mod products;
pub(super) mod reservations;
