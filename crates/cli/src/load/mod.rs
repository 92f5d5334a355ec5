//! Load on a running shop: how much it takes, how fast it answers, and what each answer costs.

#![expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "measurements are told in floating point; no money is counted here"
)]
#![expect(clippy::indexing_slicing, reason = "every index is drawn below the length of what it points into")]

pub mod connection;
pub mod drive;
pub mod processes;
pub mod report;
pub mod scenario;
pub mod tally;
pub mod world;

use crate::access::AccessArguments;
use crate::audit::{AuditOptions, audit};
use crate::shop::say::say;
use anyhow::{Context as _, ensure};
use common::ids::OrderId;
use drive::Pace;
use processes::Processes;
use report::LoadReport;
use reqwest::Url;
use scenario::{Composer, Scenario};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use world::{MAX_CUSTOMERS, Size, World};

#[derive(Debug, clap::Args)]
pub struct LoadArguments {
    pub scenario: Scenario,
    #[command(flatten)]
    pub access: AccessArguments,
    /// Requests a second of an open loop; without it each connection sends as soon as it was answered.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
    /// Connections, each with one request in flight.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=8192))]
    pub concurrency: u16,
    /// Seconds that are counted; access tokens end after ten minutes.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=480))]
    pub duration: u64,
    /// Seconds that are sent and not counted.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=60))]
    pub warm_up: u64,
    /// Lines of every order of `place-basket`, in place of as many as real invoices have.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=200))]
    pub lines: Option<u8>,
    /// Products that are ordered and read.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub products: u32,
    /// Customers who order and read, each with a log-in.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u8).range(1..=MAX_CUSTOMERS as i64))]
    pub customers: u8,
    /// Folder of the shop, to count what its processes use.
    #[arg(long, default_value = ".oms")]
    pub directory: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Leave out the audit at the end.
    #[arg(long)]
    pub no_audit: bool,
    /// Connection string of the replica set, for the audit at the end.
    #[arg(long, env = "MONGO_URI", hide_env_values = true)]
    pub mongo_uri: Option<String>,
    /// What the names of the three databases begin with.
    #[arg(long, default_value = "oms")]
    pub database_prefix: String,
}

/// Runs `oms load`: exit code 1 where the audit finds something.
pub async fn run(arguments: LoadArguments) -> anyhow::Result<ExitCode> {
    ensure!(
        arguments.no_audit || arguments.mongo_uri.is_some(),
        "the audit at the end needs the databases: give --mongo-uri or MONGO_URI, or --no-audit to leave it out"
    );
    let pace = Pace {
        rate: arguments.rate,
        concurrency: arguments.concurrency.into(),
        warm_up: Duration::from_secs(arguments.warm_up),
        duration: Duration::from_secs(arguments.duration),
    };
    let client = arguments.access.client(|builder| builder.retries(0))?;
    let size = Size {
        customers: arguments.customers.into(),
        products: arguments.products.try_into()?,
        with_orders: arguments.scenario.reads_orders(),
    };
    let world = World::make(&client, size).await?;
    let processes = Processes::of_shop(&arguments.directory)?;
    let logs = arguments.directory.join("logs");
    let logged = bytes_in(&logs);
    let address = address_of(&arguments.access.url)?;
    let composer = Composer::new(Arc::new(world), arguments.scenario, arguments.lines);
    let driven = pace.drive(&address, composer, processes).await?;
    let logged = bytes_in(&logs).zip(logged).map(|(after, before)| after.saturating_sub(before));
    let report = LoadReport::new(arguments.scenario, arguments.lines, &pace, &driven, logged);
    say(&if arguments.json { serde_json::to_string_pretty(&report)? } else { report.to_string() });
    let is_clean = audit_load(&arguments, driven.tally.acknowledged).await?;
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every invariant, and every order that was answered 201. Told on standard error, so that JSON stays JSON.
async fn audit_load(arguments: &LoadArguments, acknowledged: Vec<OrderId>) -> anyhow::Result<bool> {
    let Some(mongo_uri) = arguments.mongo_uri.clone().filter(|_| !arguments.no_audit) else {
        return Ok(true);
    };
    let database_prefix = arguments.database_prefix.clone();
    let report = audit(&AuditOptions { mongo_uri, database_prefix, acknowledged }).await?;
    if arguments.json {
        eprintln!("{report}");
    } else {
        say(&report.to_string());
    }
    Ok(report.is_clean())
}

/// `host:port` of the gateway's address.
pub fn address_of(url: &str) -> anyhow::Result<String> {
    let url: Url = url.parse().with_context(|| format!("{url} is no address"))?;
    ensure!(url.scheme() == "http", "{url}: the generator speaks plain HTTP only");
    let host = url.host_str().context("the address names no host")?;
    Ok(format!("{host}:{}", url.port_or_known_default().unwrap_or(80)))
}

/// What the shop's processes have logged; `None` where there is no such folder.
pub fn bytes_in(logs: &Path) -> Option<u64> {
    let files = std::fs::read_dir(logs).ok()?;
    let sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
    Some(sizes.sum())
}
