//! The `oms` binary.

use clap::Parser;
use oms_cli::arguments::Arguments;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match oms_cli::run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("oms: {error:#}");
            ExitCode::FAILURE
        }
    }
}
