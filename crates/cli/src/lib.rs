//! `oms`, the command line: runs a shop on one machine, fills it, replays traffic against it and audits it.

#![expect(clippy::print_stdout, reason = "a command line speaks on standard output")]

pub mod access;
pub mod arguments;
pub mod audit;
pub mod backup;
pub mod bench;
pub mod describe;
pub mod desk;
pub mod doctor;
pub mod files;
pub mod keys;
pub mod load;
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
        Command::Bench(arguments) => bench::run(arguments).await,
        Command::EmptyHandler(arguments) => bench::empty::run(arguments).await,
        Command::Load(arguments) => load::run(arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::Backup(arguments) => backup::back_up(arguments).await,
        Command::Restore(arguments) => backup::restore(arguments).await,
        Command::Import(command) => files::import::run(command).await,
        Command::Export(command) => files::export::run(command).await,
        Command::DescribeApi(arguments) => describe::run(&arguments),
        Command::Doctor(arguments) => doctor::run(*arguments).await,
        Command::Prove(arguments) => prove::run(arguments).await,
        Command::Login(arguments) => Ok(desk::end(desk::log_in::log_in(arguments).await)),
        Command::Logout(arguments) => Ok(desk::end(desk::log_in::log_out(arguments).await)),
        Command::Profiles(arguments) => Ok(desk::end(desk::log_in::list(arguments))),
        Command::Orders(arguments) => Ok(desk::end(desk::orders::run(arguments).await)),
        Command::Products(arguments) => Ok(desk::end(desk::products::run(arguments).await)),
        Command::Stock(arguments) => Ok(desk::end(desk::stock::run(arguments).await)),
        Command::Customers(arguments) => Ok(desk::end(desk::customers::run(arguments).await)),
        Command::Tail(arguments) => Ok(desk::end(desk::tail::run(arguments).await)),
        Command::Completions(arguments) => {
            desk::completions::run(&arguments);
            Ok(ExitCode::SUCCESS)
        }
    }
}
