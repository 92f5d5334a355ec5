//! The gateway owns nothing. It promises: only what stands in the public URL table reaches a service, no header from
//! outside passes for one of ours, every request is answered within its deadline, and nobody's requests take the place
//! of everybody else's.

pub mod address;
pub mod admission;
pub mod breaker;
pub mod capacity;
pub mod config;
pub mod limits;
pub mod metrics;
pub mod retry_budget;
pub mod routes;
pub mod startup;
pub mod tls;
pub mod upstream;
