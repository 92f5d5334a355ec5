//! The gateway owns nothing. It promises: only what stands in the public URL table reaches a service, no header from
//! outside passes for one of ours, and every request is answered within its deadline.

pub mod config;
pub mod retry_budget;
pub mod routes;
pub mod startup;
