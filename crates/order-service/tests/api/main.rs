//! order-service over HTTP: the real service on real MongoDB, its peers played by wiremock.
#![cfg(test)]

mod addresses;
mod app;
mod bad_input;
mod cancel;
mod edits;
mod events;
mod files;
mod lifecycle;
mod list;
mod place;
mod query_plans;
mod quotes;
mod round_trips;
mod sweep;
mod webhook_changes;
mod webhooks;
