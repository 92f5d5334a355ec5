//! Fills an empty shop with a small catalogue, stock and two customers.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct SeedArguments {}

/// Runs `oms seed`.
pub async fn run(_arguments: SeedArguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`oms seed` is not there yet")
}
