//! Whole-system tests: the real programs, as a newcomer runs them. They need `cargo build --workspace --bins` and
//! `scripts/fetch-servers` first; `scripts/test` does both.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "some of these tests print what they tried")]

mod access;
mod consumer;
mod crash_points;
mod exec;
mod faults;
mod filling;
mod lifecycle;
mod placing;
mod prove;
mod rotation;
mod shop;
mod stages;
mod standalone;
mod supervisor;
mod system;
mod table;
mod tokens;
