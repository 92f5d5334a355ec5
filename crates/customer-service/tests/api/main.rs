//! The routes of customer-service, against a real MongoDB and a real Redis.
#![cfg(test)]

mod accounts;
mod addresses;
mod api_keys;
mod app;
mod auth;
mod bad_input;
mod customers;
mod events;
mod mail;
mod privacy;
mod roles;
mod rotation;
mod search;
mod sessions;
mod staff;
mod startup;
mod throttle;
