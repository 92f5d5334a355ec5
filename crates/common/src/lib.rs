//! What every crate of the workspace shares: the models on the wire, their values, the error type, and
//! (feature `service`) how a service is configured, runs, talks and stores.

pub mod country;
pub mod error;
pub mod fault;
pub mod ids;
pub mod models;
pub mod money;
pub mod shapes;
pub mod text;
pub mod time;

#[cfg(feature = "service")]
mod allocator;
#[cfg(feature = "service")]
pub mod api;
#[cfg(feature = "service")]
pub mod audit;
#[cfg(feature = "service")]
pub mod auth;
#[cfg(feature = "service")]
pub mod batch;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod context;
#[cfg(feature = "service")]
pub mod events;
#[cfg(feature = "service")]
pub mod health_check;
#[cfg(feature = "service")]
pub mod http;
#[cfg(feature = "service")]
pub mod lease;
#[cfg(feature = "service")]
pub mod metrics;
#[cfg(feature = "service")]
pub mod mongo;
#[cfg(feature = "service")]
pub mod print_config;
#[cfg(feature = "service")]
pub mod redis;
#[cfg(feature = "service")]
pub mod rows;
#[cfg(feature = "service")]
pub mod schema;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "service")]
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "service")]
pub mod traces;
