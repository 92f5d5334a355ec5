//! A whole shop on one machine: databases, the four services, and what keeps them running.

use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum ShopCommand {
    /// Run the shop until it is told to stop.
    Run,
}

/// Runs `oms shop`.
pub async fn run(_command: ShopCommand) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`oms shop` is not there yet")
}
