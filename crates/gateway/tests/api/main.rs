#![cfg(test)]
//! The gateway in front of stand-ins for the three services.

mod answers;
mod app;
mod browsers;
mod documents;
mod headers;
mod healthz;
mod limits;
mod metrics;
mod overload;
mod retries;
mod routes;
mod sockets;
mod targets;
mod tls;
