//! The rules of the catalogue and of stock: pure, without database, clock or randomness.

pub mod entry;
pub mod ledger;
pub mod movement;
pub mod places;
pub mod product;
pub mod stock;
