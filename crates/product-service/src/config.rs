//! Settings of product-service; the only file that reads the environment.

use anyhow::ensure;
use common::auth::service_token::InternalSettings;
use common::auth::token::TokenSettings;
use common::config::Environment;
use common::events::EventSettings;
use common::mongo::MongoSettings;
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
    pub log: LogSettings,
    pub traces: TraceSettings,
    pub mongo: MongoSettings,
    pub redis: RedisSettings,
    pub tokens: TokenSettings,
    pub internal: InternalSettings,
    pub peers: PeerSettings,
    pub ledger: LedgerSettings,
    pub holds: HoldSettings,
    pub events: EventSettings,
}

/// Internal listeners of the other services, such as `http://127.0.0.1:3102`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSettings {
    pub customer_url: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldSettings {
    pub sweep_interval_ms: u64,
}

/// Bounds of the one writer of stock.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSettings {
    pub queue: usize,
    pub batch_entries: usize,
    pub batch_lines: usize,
    pub write_budget_ms: u64,
    pub attempts: u32,
}

impl Settings {
    pub fn load() -> anyhow::Result<Self> {
        common::config::load("OMS_PRODUCT__", DEFAULTS)
    }

    /// Refuses bounds under which no stock could be changed.
    pub fn check(&self) -> anyhow::Result<()> {
        let ledger = &self.ledger;
        ensure!(ledger.queue >= 1, "ledger.queue must be 1 or more");
        ensure!(ledger.batch_entries >= 1, "ledger.batch_entries must be 1 or more");
        ensure!(ledger.batch_lines >= 1, "ledger.batch_lines must be 1 or more");
        ensure!(ledger.attempts >= 1, "ledger.attempts must be 1 or more");
        self.events.check()?;
        Ok(())
    }

    /// Every setting with where it came from, for operators.
    pub fn render() -> anyhow::Result<String> {
        common::print_config::render("OMS_PRODUCT__", DEFAULTS)
    }

    /// The embedded defaults alone.
    pub fn defaults() -> anyhow::Result<Self> {
        common::config::load_from("OMS_PRODUCT__", DEFAULTS, [])
    }
}
