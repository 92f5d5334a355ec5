#![cfg(test)]
//! The gateway in front of stand-ins for the three services.

mod answers;
mod app;
mod headers;
mod healthz;
mod retries;
mod routes;
mod targets;
