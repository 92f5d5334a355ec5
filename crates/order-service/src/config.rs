//! Settings of order-service; the only file that reads the environment.

use anyhow::ensure;
use common::auth::service_token::InternalSettings;
use common::auth::token::TokenSettings;
use common::config::Environment;
use common::events::EventSettings;
use common::models::ledger::MAX_ENTRIES;
use common::mongo::MongoSettings;
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
    pub log: LogSettings,
    pub traces: TraceSettings,
    pub mongo: MongoSettings,
    pub tokens: TokenSettings,
    pub internal: InternalSettings,
    pub peers: PeerSettings,
    pub placing: PlacingSettings,
    pub sweeper: SweeperSettings,
    pub events: EventSettings,
    pub streams: StreamSettings,
    pub webhooks: WebhookSettings,
}

/// Internal listeners of the other services, such as `http://127.0.0.1:3103`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSettings {
    pub customer_url: String,
    pub product_url: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacingSettings {
    pub queue: usize,
    pub batch_orders: usize,
    pub batch_lines: usize,
    pub overlap_orders: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweeperSettings {
    pub interval_ms: u64,
    pub older_than_ms: i64,
    pub orders: i64,
}

/// Sending events to endpoints outside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    pub enabled: bool,
    pub allow_http: bool,
    pub allowed_networks: Vec<String>,
    pub connect_timeout_ms: u64,
    pub timeout_ms: u64,
    pub concurrency: usize,
    pub poll_ms: u64,
    pub lease_ms: u64,
    pub kept_days: u32,
}

/// Clients that follow the events.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSettings {
    pub most: usize,
    pub heartbeat_ms: u64,
    pub poll_ms: u64,
    pub longest_s: u64,
}

impl Settings {
    pub fn load() -> anyhow::Result<Self> {
        common::config::load("OMS_ORDER__", DEFAULTS)
    }

    /// Refuses bounds under which nothing could be placed.
    pub fn check(&self) -> anyhow::Result<()> {
        let placing = &self.placing;
        ensure!(placing.queue >= 1, "placing.queue must be 1 or more");
        ensure!(
            (1..=MAX_ENTRIES).contains(&placing.batch_orders),
            "placing.batch_orders must be 1 to {MAX_ENTRIES}"
        );
        ensure!(placing.batch_lines >= 1, "placing.batch_lines must be 1 or more");
        ensure!(placing.overlap_orders >= 1, "placing.overlap_orders must be 1 or more");
        ensure!(self.sweeper.interval_ms >= 1, "sweeper.interval_ms must be 1 or more");
        ensure!(self.sweeper.orders >= 1, "sweeper.orders must be 1 or more");
        self.events.check()?;
        let webhooks = &self.webhooks;
        ensure!(webhooks.concurrency >= 1, "webhooks.concurrency must be 1 or more");
        ensure!(webhooks.poll_ms >= 10, "webhooks.poll_ms must be 10 or more");
        ensure!(
            webhooks
                .timeout_ms
                .checked_mul(4)
                .is_some_and(|needed| webhooks.lease_ms.saturating_mul(3) >= needed),
            "webhooks.lease_ms must be at least four thirds of webhooks.timeout_ms: a quarter of it may be over when a \
             try begins"
        );
        let streams = &self.streams;
        ensure!(streams.poll_ms >= 10, "streams.poll_ms must be 10 or more");
        ensure!(streams.heartbeat_ms >= 100, "streams.heartbeat_ms must be 100 or more");
        Ok(())
    }

    /// Every setting with where it came from, for operators.
    pub fn render() -> anyhow::Result<String> {
        common::print_config::render("OMS_ORDER__", DEFAULTS)
    }

    /// The embedded defaults alone.
    pub fn defaults() -> anyhow::Result<Self> {
        common::config::load_from("OMS_ORDER__", DEFAULTS, [])
    }
}
