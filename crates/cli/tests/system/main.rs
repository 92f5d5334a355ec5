//! Whole-system tests: the real programs, as a newcomer runs them. They need `cargo build --workspace --bins` and
//! `scripts/fetch-servers` first; `scripts/test` does both.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "some of these tests print what they tried")]

mod access;
mod backup;
mod catalogue;
mod consumer;
mod crash_points;
mod description;
mod desk;
mod doctor;
mod exec;
mod failover;
mod faults;
mod feed;
mod files;
mod filling;
mod imported;
mod lifecycle;
mod load;
mod logins;
mod metrics;
mod node;
mod placing;
mod privacy;
mod prove;
mod python;
mod reading;
mod repeater;
mod repeats;
mod restarts;
mod rotation;
mod shop;
mod stages;
mod stalls;
mod standalone;
mod supervisor;
mod system;
mod table;
mod tokens;
mod traces;
mod webhooks;
