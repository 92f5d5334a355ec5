//! Whole-system tests: the real programs, as a newcomer runs them. They need `cargo build --workspace --bins` and
//! `scripts/fetch-servers` first; `scripts/test` does both.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "some of these tests print what they tried")]

mod access;
mod catalogue;
mod consumer;
mod exec;
mod faults;
mod filling;
mod placing;
mod reading;
mod rotation;
mod shop;
mod standalone;
mod supervisor;
mod system;
mod table;
mod tokens;
