//! Settings of the gateway; the only file that reads the environment.

use common::service::HttpSettings;
use common::telemetry::LogSettings;
use serde::Deserialize;

/// Every setting with its default, embedded in the binary.
const DEFAULTS: &str = include_str!("../default.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub http: HttpSettings,
    pub log: LogSettings,
    pub upstreams: UpstreamSettings,
    pub proxy: ProxySettings,
}

/// Addresses of the services, such as `http://127.0.0.1:3001`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSettings {
    pub order_url: String,
    pub customer_url: String,
    pub product_url: String,
    pub order_health_url: String,
    pub customer_health_url: String,
    pub product_health_url: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    pub deadline_ms: u64,
    pub grace_ms: u64,
    pub retries: u32,
}

impl Settings {
    pub fn load() -> anyhow::Result<Self> {
        common::config::load("OMS_GATEWAY__", DEFAULTS)
    }

    /// The embedded defaults alone.
    pub fn defaults() -> anyhow::Result<Self> {
        common::config::load_from("OMS_GATEWAY__", DEFAULTS, [])
    }
}
