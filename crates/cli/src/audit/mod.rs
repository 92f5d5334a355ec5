//! Checks the invariants across the three databases.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct AuditArguments {}

/// Runs `oms audit`.
pub async fn run(_arguments: AuditArguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`oms audit` is not there yet")
}
