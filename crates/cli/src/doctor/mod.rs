//! Looks at a shop from where it stands, says what is wrong with its set-up and what to do about each thing.

pub mod collections;
pub mod database;
pub mod diagnosis;
pub mod services;

use crate::shop::say::say;
use common::redis::{Redis, RedisSettings};
use diagnosis::Diagnosis;
use secrecy::SecretString;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArguments {
    /// Connection string of the replica set; its user should have the role clusterMonitor.
    #[arg(long, env = "MONGO_URI", hide_env_values = true)]
    pub mongo_uri: SecretString,
    /// Connection string of Redis; not looked at where it is not given.
    #[arg(long, env = "REDIS_URI", hide_env_values = true)]
    pub redis_uri: Option<SecretString>,
    /// What the names of the three databases begin with.
    #[arg(long, default_value = "oms")]
    pub database_prefix: String,
    /// Address of the shop's gateway.
    #[arg(long, env = "OMS_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// order-service's internal listener.
    #[arg(long, env = "OMS_GATEWAY__UPSTREAMS__ORDER_HEALTH_URL", default_value = "http://127.0.0.1:3101")]
    pub order_url: String,
    /// customer-service's internal listener.
    #[arg(
        long,
        env = "OMS_GATEWAY__UPSTREAMS__CUSTOMER_HEALTH_URL",
        default_value = "http://127.0.0.1:3102"
    )]
    pub customer_url: String,
    /// product-service's internal listener.
    #[arg(long, env = "OMS_GATEWAY__UPSTREAMS__PRODUCT_HEALTH_URL", default_value = "http://127.0.0.1:3103")]
    pub product_url: String,
    /// The secrets of the calls between services: whether each service takes the first one.
    #[arg(long, env = "OMS_SERVICE_TOKENS", hide_env_values = true)]
    pub service_tokens: Option<SecretString>,
    /// The file of signing keys: whether its keys are the ones that are published.
    #[arg(long, env = "OMS_CUSTOMER__KEYS__SIGNING_KEY_FILE")]
    pub signing_key_file: Option<PathBuf>,
    /// Print what was found as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs `oms doctor`: exit code 1 where something is wrong.
pub async fn run(arguments: DoctorArguments) -> anyhow::Result<ExitCode> {
    let diagnosis = examine(&arguments).await?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&diagnosis)?);
    } else {
        say(&diagnosis.to_string());
    }
    Ok(if diagnosis.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Looks at everything, whatever it finds on the way.
pub async fn examine(arguments: &DoctorArguments) -> anyhow::Result<Diagnosis> {
    let mut diagnosis = Diagnosis::default();
    if let Some(client) = database::examine(&arguments.mongo_uri, &mut diagnosis).await {
        collections::examine(&client, &arguments.database_prefix, &mut diagnosis).await;
        client.shutdown().await;
    }
    match &arguments.redis_uri {
        Some(uri) => examine_redis(uri, &mut diagnosis).await,
        None => diagnosis.warning(
            "Redis",
            "not looked at",
            "Set REDIS_URI. Without Redis the shop works, slower, and each replica counts its own limits.",
        ),
    }
    services::examine(arguments, &mut diagnosis).await?;
    Ok(diagnosis)
}

async fn examine_redis(uri: &SecretString, diagnosis: &mut Diagnosis) {
    const REMEDY: &str = "Start it, or mend REDIS_URI: address, password and database. Until then the shop works \
                          without it, slower, and each replica counts its own limits.";
    let settings = RedisSettings { uri: uri.clone(), max_pool_size: 1, timeout_ms: 2000 };
    match Redis::new(&settings) {
        Ok(redis) if redis.is_answering().await => diagnosis.good("Redis", "answers"),
        Ok(_) => diagnosis.wrong("Redis", "does not answer, or refuses the password", REMEDY),
        Err(cause) => diagnosis.wrong("Redis", format!("{cause:#}"), REMEDY),
    }
}
