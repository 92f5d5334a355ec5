//! HTTP as every service speaks it: what is read from a request, what is written into an answer, how peers are called.

pub mod body;
pub mod conditional;
pub mod connections;
pub mod endpoint;
pub mod file;
pub mod idempotency;
pub mod merge_patch;
pub mod origin;
pub mod page;
pub mod path;
pub mod peer;
pub mod query;
pub mod request;
