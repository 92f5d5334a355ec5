//! What is stored and how it is asked for: database `oms_products`, and a cache in Redis that may be lost.

pub mod categories;
pub mod events;
mod flights;
pub mod holds;
pub mod ledger;
pub mod locations;
pub mod movements;
pub mod product_cache;
mod product_document;
pub mod product_facets;
pub mod product_rows;
pub mod product_search;
pub mod product_writes;
pub mod products;
pub mod stock;
