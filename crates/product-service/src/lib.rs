//! product-service owns the catalogue and the stock ledger (database `oms_products`). It promises: every unit is
//! explained by a movement, no unit is promised twice, and every repeat of an entry finds what the first one did.

#![recursion_limit = "256"]

pub mod config;
pub mod domain;
pub mod metrics;
pub mod routes;
pub mod startup;
pub mod store;
pub mod workflows;
