//! Checks the invariants A1 to A5 across the three databases, at any moment, while the shop runs.

pub mod documents;
pub mod ledger;
pub mod reader;
pub mod report;
pub mod rules;

use crate::shop::say::say;
use anyhow::Context as _;
use common::ids::OrderId;
use mongodb::Client;
use mongodb::error::{Error, ErrorKind};
use mongodb::options::ClientOptions;
use report::Report;
use std::process::ExitCode;
use std::time::Duration;

/// `SnapshotTooOld` and `SnapshotUnavailable`: the moment slipped out of the server's history, or a collection was
/// just changed. Another moment does as well.
const LOST_MOMENT: [i32; 2] = [239, 246];

/// How often another moment is tried.
const MOMENTS: u32 = 10;

#[derive(Debug, clap::Args)]
pub struct AuditArguments {
    /// Connection string of the replica set that holds the shop.
    #[arg(long, env = "MONGO_URI", hide_env_values = true)]
    pub mongo_uri: String,
    /// What the names of the three databases begin with.
    #[arg(long, default_value = "oms")]
    pub database_prefix: String,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to audit.
#[derive(Clone)]
pub struct AuditOptions {
    pub mongo_uri: String,
    /// `oms` for `oms_orders`, `oms_customers` and `oms_products`.
    pub database_prefix: String,
    /// Orders that were answered 201: each must be there, and none twice in this list.
    pub acknowledged: Vec<OrderId>,
}

/// Runs `oms audit`: exit code 1 where an invariant is broken.
pub async fn run(arguments: AuditArguments) -> anyhow::Result<ExitCode> {
    let report = audit(&AuditOptions {
        mongo_uri: arguments.mongo_uri,
        database_prefix: arguments.database_prefix,
        acknowledged: Vec::new(),
    })
    .await?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        say(&report.to_string());
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads one consistent cut through the three databases and judges it.
pub async fn audit(options: &AuditOptions) -> anyhow::Result<Report> {
    let client = connect(&options.mongo_uri).await?;
    let mut moment = 1;
    let report = loop {
        match reader::audit_once(&client, options).await {
            Err(error) if is_lost_moment(&error) && moment < MOMENTS => moment += 1,
            outcome => break outcome,
        }
        tokio::time::sleep(common::mongo::jitter(Duration::from_millis(500))).await;
    };
    client.shutdown().await;
    report.context("read the databases")
}

/// Read concern and moment come from the snapshot session alone.
async fn connect(uri: &str) -> anyhow::Result<Client> {
    let mut options = ClientOptions::parse(uri).await.context("the MongoDB connection string")?;
    options.app_name = Some("oms-audit".to_owned());
    options.max_pool_size = Some(2);
    options.connect_timeout = Some(Duration::from_secs(2));
    options.server_selection_timeout = Some(Duration::from_secs(5));
    options.read_concern = None;
    Client::with_options(options).context("the MongoDB connection string")
}

fn is_lost_moment(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if LOST_MOMENT.contains(&command.code))
}

#[cfg(test)]
mod tests;
