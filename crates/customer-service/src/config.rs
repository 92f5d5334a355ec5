//! Settings of customer-service; the only file that reads the environment.

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
use secrecy::{ExposeSecret, SecretString};
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
    pub keys: KeySettings,
    pub admin: AdminSettings,
    pub sessions: SessionSettings,
    pub passwords: PasswordSettings,
    pub throttle: ThrottleSettings,
    pub mail: MailSettings,
    pub peers: PeerSettings,
    pub sweeper: SweeperSettings,
    pub events: EventSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// A file of PKCS#8 PEM keys, or a directory of them; empty: none.
    pub signing_key_file: String,
    /// The keys themselves; empty: none.
    pub signing_key_pem: SecretString,
    /// The `kid` that signs; empty: the newest.
    pub active: String,
    pub activate_after_s: u32,
    pub reload_ms: u64,
}

/// The first administrator; empty: none is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// Not a secret, but personal: never logged.
    pub email: SecretString,
    pub password: SecretString,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionSettings {
    pub access_token_s: u32,
    pub idle_s: u32,
    pub longest_s: u32,
    pub grace_ms: i64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordSettings {
    pub threads: usize,
    pub waiting: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThrottleSettings {
    pub window_s: u32,
    pub failures_per_account: u32,
    pub attempts_per_address: u32,
    pub registrations_per_account: u32,
    pub registrations_per_address: u32,
    pub resets_per_account: u32,
    pub resets_per_address: u32,
    pub local_entries: usize,
}

/// How letters are sent; an empty URL: they are not.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// May hold a password.
    pub smtp_url: SecretString,
    pub from: String,
    pub link_base: String,
    pub timeout_ms: u64,
}

/// Internal listeners of the other services, such as `http://127.0.0.1:3101`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSettings {
    pub order_url: String,
    pub product_url: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweeperSettings {
    pub interval_ms: u64,
    pub settled_after_ms: i64,
}

impl Settings {
    pub fn load() -> anyhow::Result<Self> {
        common::config::load("OMS_CUSTOMER__", DEFAULTS)
    }

    /// Every setting with where it came from, for operators.
    pub fn render() -> anyhow::Result<String> {
        common::print_config::render("OMS_CUSTOMER__", DEFAULTS)
    }

    /// The embedded defaults alone.
    pub fn defaults() -> anyhow::Result<Self> {
        common::config::load_from("OMS_CUSTOMER__", DEFAULTS, [])
    }

    /// Refuses settings that contradict each other or are too weak for production.
    pub fn check(&self) -> anyhow::Result<()> {
        self.events.check()?;
        let is_empty = |text: &SecretString| text.expose_secret().is_empty();
        ensure!(
            is_empty(&self.admin.email) == is_empty(&self.admin.password),
            "admin.email (ADMIN_EMAIL) and admin.password (ADMIN_PASSWORD) must be set together"
        );
        if self.environment == Environment::Development {
            return Ok(());
        }
        ensure!(
            !self.keys.signing_key_file.is_empty() || !is_empty(&self.keys.signing_key_pem),
            "in production keys.signing_key_file (OMS_CUSTOMER__KEYS__SIGNING_KEY_FILE) must name the key that signs \
             access tokens; `oms keys generate` makes one"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn production() -> Settings {
        let mut settings = Settings::defaults().unwrap();
        settings.environment = Environment::Production;
        settings.keys.signing_key_file = "/run/secrets/key.pem".into();
        settings.internal.tokens = vec!["a-secret-of-our-own".into()];
        settings
    }

    #[test]
    fn the_defaults_are_good_for_development_and_not_for_production() {
        let mut settings = Settings::defaults().unwrap();
        settings.check().unwrap();
        settings.environment = Environment::Production;
        settings.check().unwrap_err();
        production().check().unwrap();
    }

    #[test]
    fn production_without_a_key_is_refused_by_name() {
        let mut keyless = production();
        keyless.keys.signing_key_file.clear();
        assert!(keyless.check().unwrap_err().to_string().contains("keys.signing_key_file"));
    }

    #[test]
    fn half_an_administrator_is_refused() {
        let mut settings = Settings::defaults().unwrap();
        settings.admin.email = "admin@example.org".into();
        let refusal = settings.check().unwrap_err().to_string();
        assert!(refusal.contains("ADMIN_PASSWORD") && !refusal.contains("example.org"), "{refusal}");
    }
}
