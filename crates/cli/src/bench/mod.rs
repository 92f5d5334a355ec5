//! One run that measures everything against everything, interleaved, on a shop of its own: absolute figures of a shared
//! machine move by a factor of two, ratios of one run hold.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_arithmetic,
    reason = "measurements are told in floating point; no money is counted here"
)]

mod chart;
pub mod empty;
mod growth;
mod machine;
mod peer;
mod raw;
mod rounds;
mod shop;
mod table;

use crate::audit::{AuditOptions, audit};
use crate::load::drive::Pace;
use crate::load::report::LoadReport;
use crate::load::scenario::Scenario;
use crate::shop::say::say;
use anyhow::{Context as _, ensure};
use common::ids::OrderId;
use machine::Machine;
use peer::Peer;
use rounds::{Measured, Rounds};
use serde::Serialize;
use shop::BenchShop;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Connections of the overload: enough that requests are sent when they are due.
const OVERLOAD_CONNECTIONS: usize = 2_000;

#[derive(Debug, clap::Args)]
pub struct BenchArguments {
    /// Folder of the shop that is measured; emptied first.
    #[arg(long, default_value = "target/bench")]
    pub directory: PathBuf,
    /// Where mongod and redis-server are.
    #[arg(long, default_value = ".oms/servers")]
    pub servers: PathBuf,
    /// Where `report.json` and `chart.svg` are written.
    #[arg(long, default_value = "target/bench")]
    pub output: PathBuf,
    /// How often everything is measured, in turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub rounds: u8,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,
    /// Folder of a peer to measure too: its `start.sh all` opens it at port 3100, its `start.sh stop` ends it.
    #[arg(long)]
    pub peer: Option<PathBuf>,
    /// Import so many orders, and measure placing and listing before and after, in place of everything else.
    #[arg(long, value_name = "ORDERS", value_parser = clap::value_parser!(u32).range(1_000_000..=50_000_000))]
    pub grow: Option<u32>,
}

/// Everything that one run measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub machine: Machine,
    pub seconds: u64,
    pub concurrency: u16,
    pub rounds: u8,
    pub measured: Vec<Measured>,
    pub half_rate: LoadReport,
    pub overload: LoadReport,
    pub idle_rss_mb: Vec<(String, f64)>,
    /// Before anything else was placed, and after everything.
    pub orders_in_database: u64,
}

/// Runs `oms bench`: exit code 1 where the audit at the end finds something.
pub async fn run(arguments: BenchArguments) -> anyhow::Result<ExitCode> {
    ensure!(
        !cfg!(debug_assertions),
        "this is a build for development: measure one of `cargo build --release`"
    );
    std::fs::create_dir_all(&arguments.output).context("the folder of the report")?;
    let shop = BenchShop::open(&arguments.directory, &arguments.servers).await?;
    let outcome = measure(&arguments, &shop).await;
    shop.close().await?;
    let is_clean = outcome?;
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(arguments: &BenchArguments, shop: &BenchShop) -> anyhow::Result<bool> {
    let pace = Pace {
        rate: None,
        concurrency: arguments.concurrency.into(),
        warm_up: Duration::from_secs(2),
        duration: Duration::from_secs(arguments.seconds),
    };
    let acknowledged = match arguments.grow {
        Some(orders) => {
            let measuring = growth::Measuring { rounds: arguments.rounds, pace };
            growth::grow(shop, orders, &measuring, &arguments.output).await?
        }
        None => measure_all(arguments, shop, pace).await?,
    };
    let options =
        AuditOptions { mongo_uri: shop.mongo_uri().to_owned(), database_prefix: "oms".into(), acknowledged };
    let audited = audit(&options).await?;
    say(&audited.to_string());
    Ok(audited.is_clean())
}

/// Answers every order that was answered 201.
async fn measure_all(
    arguments: &BenchArguments,
    shop: &BenchShop,
    pace: Pace,
) -> anyhow::Result<Vec<OrderId>> {
    let idle_rss_mb = shop.resident_memory()?;
    let world = shop.world().await?;
    let peer = match &arguments.peer {
        Some(directory) => Some(Peer::open(directory, &arguments.servers).await?),
        None => None,
    };
    let mut rounds = Rounds::new(shop, world, pace, peer).await?;
    for round in 1..=arguments.rounds {
        say(&format!("round {round} of {}", arguments.rounds));
        rounds.turn().await?;
    }
    let peak = rounds.median_of(Scenario::PlaceUniform);
    let rate = |share: f64| ((peak * share) as u32).max(1);
    let half_rate = rounds.open_loop(rate(0.5), pace).await?;
    say(&format!("half of the peak rate\n{half_rate}"));
    let overload = Pace { concurrency: OVERLOAD_CONNECTIONS, ..pace };
    let overload = rounds.open_loop(rate(3.0), overload).await?;
    say(&format!("three times the peak rate\n{overload}"));
    let (measured, acknowledged) = rounds.finish().await?;
    let report = Report {
        machine: Machine::read(shop.mongo_uri()).await?,
        seconds: arguments.seconds,
        concurrency: arguments.concurrency,
        rounds: arguments.rounds,
        measured,
        half_rate,
        overload,
        idle_rss_mb,
        orders_in_database: u64::try_from(acknowledged.len())?,
    };
    say(&table::table(&report).to_string());
    let (json, svg) = (arguments.output.join("report.json"), arguments.output.join("chart.svg"));
    std::fs::write(&json, serde_json::to_vec_pretty(&report)?).context("write the report")?;
    chart::draw(&report, &svg)?;
    say(&format!("{} and {}", json.display(), svg.display()));
    Ok(acknowledged)
}
