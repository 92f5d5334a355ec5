//! The routes of customer-service, against a real MongoDB and a real Redis.
#![cfg(test)]

mod app;
mod auth;
mod bad_input;
mod customers;
mod roles;
mod startup;
mod throttle;
