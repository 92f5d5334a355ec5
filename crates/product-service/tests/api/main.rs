//! product-service as its callers meet it, over HTTP, against a real MongoDB and Redis.
#![cfg(test)]

mod app;
mod audit;
mod bad_input;
mod bulk;
mod caching;
mod categories;
mod events;
mod find;
mod interleaving;
mod inventory;
mod ledger;
mod locations;
mod movements;
mod products;
mod query_plans;
mod reservations;
mod roles;
mod round_trips;
mod variants;
