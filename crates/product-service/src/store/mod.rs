//! What is stored and how it is asked for: database `oms_products`, and a cache in Redis that may be lost.

pub mod ledger;
pub mod product_cache;
pub mod products;
pub mod stock;
