//! order-service over HTTP: the real service on real MongoDB, its peers played by wiremock.
#![cfg(test)]

mod addresses;
mod app;
mod bad_input;
mod cancel;
mod edits;
mod events;
mod lifecycle;
mod list;
mod place;
mod query_plans;
mod round_trips;
mod sweep;
