#![cfg(test)]
//! The client against a stand-in for the gateway.

mod blocking;
mod events;
mod log_in;
mod orders;
mod retries;
mod shop;
