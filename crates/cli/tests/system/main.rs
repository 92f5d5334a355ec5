//! Whole-system tests: the real programs, as a newcomer runs them. They need `cargo build --workspace --bins` and
//! `scripts/fetch-servers` first; `scripts/test` does both.

#![cfg(test)]

mod exec;
mod faults;
mod filling;
mod placing;
mod shop;
mod standalone;
mod supervisor;
mod system;
