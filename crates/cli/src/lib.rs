//! `oms`, the command line: runs a shop on one machine, fills it, replays traffic against it and audits it.

#![expect(clippy::print_stdout, reason = "a command line speaks on standard output")]

pub mod access;
pub mod arguments;
pub mod audit;
pub mod keys;
pub mod prove;
pub mod replay;
pub mod seed;
pub mod shop;

use arguments::{Arguments, Command};
use std::process::ExitCode;

/// Runs one command to its exit code.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Shop(command) => shop::run(command).await,
        Command::Keys(command) => keys::run(&command),
        Command::Seed(arguments) => seed::run(arguments).await,
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::Prove(arguments) => prove::run(arguments).await,
    }
}
