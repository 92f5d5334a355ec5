//! product-service as its callers meet it, over HTTP, against a real MongoDB and Redis.
#![cfg(test)]

mod app;
mod audit;
mod bad_input;
mod caching;
mod categories;
mod find;
mod inventory;
mod ledger;
mod products;
mod query_plans;
mod roles;
mod variants;
