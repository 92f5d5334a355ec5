//! Settings of the gateway; the only file that reads the environment.

use anyhow::ensure;
use common::auth::token::TokenSettings;
use common::config::Environment;
use common::redis::RedisSettings;
use common::service::HttpSettings;
use common::telemetry::LogSettings;
use common::traces::TraceSettings;
use serde::Deserialize;

/// Every setting with its default, embedded in the binary.
const DEFAULTS: &str = include_str!("../default.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub environment: Environment,
    pub http: HttpSettings,
    pub tls: TlsSettings,
    pub log: LogSettings,
    pub traces: TraceSettings,
    pub upstreams: UpstreamSettings,
    pub proxy: ProxySettings,
    pub breaker: BreakerSettings,
    pub overload: OverloadSettings,
    pub limits: LimitSettings,
    pub redis: RedisSettings,
    pub tokens: TokenSettings,
    pub clients: ClientSettings,
    pub cors: CorsSettings,
    pub answers: AnswerSettings,
}

/// Files in PEM; both empty: the public listener speaks plain HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    pub certificate_file: String,
    pub key_file: String,
    pub reload_ms: u64,
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
    pub max_in_flight: usize,
    pub idle_ms: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    pub deadline_ms: u64,
    pub grace_ms: u64,
    pub retries: u32,
    pub connect_patience_ms: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerSettings {
    pub failures: u32,
    pub open_ms: u64,
}

/// Requests of each class that may be under way.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverloadSettings {
    pub orders: usize,
    pub order_patience_ms: u64,
    pub order_reads: usize,
    pub catalogue: usize,
    pub stock: usize,
    pub accounts: usize,
}

/// Requests a second, and at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    pub caller_rate: u32,
    pub caller_burst: u32,
    pub anonymous_rate: u32,
    pub anonymous_burst: u32,
    pub address_rate: u32,
    pub address_burst: u32,
    pub remembered: usize,
    pub redis_pause_ms: u64,
    pub prefix: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    pub trusted_proxies: Vec<String>,
    pub body_timeout_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorsSettings {
    pub origins: Vec<String>,
    pub max_age_s: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSettings {
    pub compress_from_bytes: usize,
    pub strict_transport_s: u32,
}

impl Settings {
    pub fn load() -> anyhow::Result<Self> {
        common::config::load("OMS_GATEWAY__", DEFAULTS)
    }

    /// Every setting with where it came from, for operators.
    pub fn render() -> anyhow::Result<String> {
        common::print_config::render("OMS_GATEWAY__", DEFAULTS)
    }

    /// The embedded defaults alone.
    pub fn defaults() -> anyhow::Result<Self> {
        common::config::load_from("OMS_GATEWAY__", DEFAULTS, [])
    }

    /// Refuses bounds under which nothing could be answered.
    pub fn check(&self) -> anyhow::Result<()> {
        let OverloadSettings { orders, order_reads, catalogue, stock, accounts, .. } = self.overload;
        let has_places = [orders, order_reads, catalogue, stock, accounts].iter().all(|places| *places >= 1);
        ensure!(has_places, "overload: every class needs 1 place or more");
        ensure!(self.upstreams.max_in_flight >= 1, "upstreams.max_in_flight must be 1 or more");
        ensure!(self.proxy.deadline_ms >= 1, "proxy.deadline_ms must be 1 or more");
        ensure!(
            self.tls.certificate_file.is_empty() == self.tls.key_file.is_empty(),
            "tls.certificate_file and tls.key_file must be set together"
        );
        ensure!(self.tls.reload_ms >= 1, "tls.reload_ms must be 1 or more");
        ensure!(self.limits.remembered >= 1, "limits.remembered must be 1 or more");
        Ok(())
    }
}
