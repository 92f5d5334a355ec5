//! Sends a file of real invoices through the gateway as a shop's traffic.

pub mod lines;
pub mod matching;
pub mod patience;
pub mod plan;
pub mod source;
pub mod stocking;
pub mod table;
pub mod tally;
pub mod traffic;

use crate::access::AccessArguments;
use crate::audit::{AuditOptions, audit};
use crate::shop::say::say;
use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use oms_client::Client;
use patience::Patience;
use plan::Plan;
use source::Rows;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tally::Tally;

/// Longest that one request is tried again: a service that was killed is back long before.
const BUDGET: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub struct ReplayArguments {
    /// Invoice lines as CSV, plain or packed with xz.
    pub file: PathBuf,
    #[command(flatten)]
    pub access: AccessArguments,
    /// Only the first invoices of the file.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Requests in flight.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,
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

/// What every phase of a replay shares.
pub struct Run {
    pub client: Client,
    pub patience: Patience,
    pub concurrency: usize,
}

impl Run {
    /// A bar on standard error, hidden where that is no terminal.
    pub fn progress(&self, what: &'static str, length: usize) -> ProgressBar {
        let style = ProgressStyle::with_template("{msg:26} {bar:40} {pos}/{len} {per_sec} {eta}");
        let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX)).with_message(what);
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// Runs `oms replay`: exit code 1 where an invoice or a line is unaccounted for, or the audit finds something.
pub async fn run(arguments: ReplayArguments) -> anyhow::Result<ExitCode> {
    ensure!(
        arguments.no_audit || arguments.mongo_uri.is_some(),
        "the audit at the end needs the databases: give --mongo-uri or MONGO_URI, or --no-audit to leave it out"
    );
    let limit = arguments.limit.unwrap_or(usize::MAX);
    let file = arguments.file.clone();
    let plan = tokio::task::spawn_blocking(move || Plan::read(Rows::open(&file)?, limit)).await??;
    let tally = replay(&arguments, &plan).await?;
    say(&table::table(&tally).to_string());
    for problem in tally.failures.iter().chain(&tally.unaccounted()) {
        say(problem);
    }
    let is_clean = audit_replay(&arguments, &tally).await?;
    Ok(if tally.is_accounted_for() && is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends the plan's traffic.
async fn replay(arguments: &ReplayArguments, plan: &Plan) -> anyhow::Result<Tally> {
    // Tries are counted here, so the client makes none of its own.
    let client = arguments.access.client(|builder| builder.retries(0))?;
    // One call without patience: a wrong address or password is told at once.
    client
        .orders(Some(1), None)
        .await
        .with_context(|| format!("reach the shop at {}", arguments.access.url))?;
    let run = Run { client, patience: Patience::new(BUDGET), concurrency: arguments.concurrency.into() };
    let decisions = matching::match_cancellations(plan);
    let mut tally = Tally::of(plan, &decisions)?;
    let shelves = stocking::stock(&run, plan).await?;
    let standing = traffic::place_orders(&run, plan, &shelves, &mut tally).await;
    traffic::cancel_orders(&run, plan, &decisions, &standing, &mut tally).await;
    tally.retries = run.patience.retries();
    Ok(tally)
}

/// Holds the invariants against the shop, and every order that was answered 201 against its orders.
async fn audit_replay(arguments: &ReplayArguments, tally: &Tally) -> anyhow::Result<bool> {
    let Some(mongo_uri) = arguments.mongo_uri.clone().filter(|_| !arguments.no_audit) else {
        say("Not audited.");
        return Ok(true);
    };
    let options = AuditOptions {
        mongo_uri,
        database_prefix: arguments.database_prefix.clone(),
        acknowledged: tally.acknowledged.clone(),
    };
    let report = audit(&options).await?;
    say(&report.to_string());
    Ok(report.is_clean())
}
