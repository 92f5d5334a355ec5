//! order-service owns the orders (database `oms_orders`). It promises: an order that was answered 201 exists for
//! ever and holds its stock, one that was answered 409 never will, and every repeat of a request finds the first.

pub mod clients;
pub mod config;
pub mod domain;
pub mod metrics;
pub mod routes;
pub mod startup;
pub mod store;
pub mod workflows;
