//! The rules of the catalogue and of stock: pure, without database, clock or randomness.

pub mod availability;
pub mod category;
pub mod entry;
pub mod event;
pub mod facets;
pub mod hold;
pub mod ledger;
pub mod listing;
pub mod movement;
pub mod places;
pub mod product;
pub mod rows;
pub mod stock;
pub mod words;
