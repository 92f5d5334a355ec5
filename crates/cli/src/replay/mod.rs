//! Sends a file of real invoices through the gateway as a shop's traffic.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct ReplayArguments {}

/// Runs `oms replay`.
pub async fn run(_arguments: ReplayArguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`oms replay` is not there yet")
}
