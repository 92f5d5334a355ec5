//! A whole shop on one machine: databases, the four services, and what keeps them running.

mod descendants;
mod detach;
pub mod directory;
mod exec;
mod greeting;
pub mod ports;
pub mod process;
pub mod processes;
mod run;
pub(crate) mod say;
pub mod servers;
pub mod services;
mod signals;
mod stop;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum ShopCommand {
    /// Run databases and services until told to stop.
    Run(RunArguments),
    /// Run a command beside a MongoDB and a Redis that are thrown away afterwards.
    Exec(ExecArguments),
}

#[derive(Clone, Debug, clap::Args)]
pub struct RunArguments {
    /// Where data, logs and secrets of the shop are.
    #[arg(long, default_value = ".oms")]
    pub directory: PathBuf,
    /// Where the gateway listens.
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Return when the shop is open, and leave it running.
    #[arg(long, conflicts_with = "stop")]
    pub detach: bool,
    /// Stop the shop that runs in the directory.
    #[arg(long, conflicts_with = "reset")]
    pub stop: bool,
    /// Delete the shop's data first.
    #[arg(long)]
    pub reset: bool,
    /// Where mongod and redis-server are; `servers` in the directory unless said else.
    #[arg(long)]
    pub servers: Option<PathBuf>,
    /// Where the services' programs are; beside this one unless said else.
    #[arg(long)]
    pub programs: Option<PathBuf>,
    /// A MongoDB replica set to use instead of starting one.
    #[arg(long, env = "MONGO_URI", hide_env_values = true)]
    pub mongo_uri: Option<String>,
    /// A Redis to use instead of starting one.
    #[arg(long, env = "REDIS_URI", hide_env_values = true)]
    pub redis_uri: Option<String>,
    /// The first administrator.
    #[arg(long, env = "ADMIN_EMAIL", default_value = "admin@example.com")]
    pub admin_email: String,
    /// The first administrator's password; made up and remembered unless given.
    #[arg(long, env = "ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// Run in a session of its own: what `--detach` starts.
    #[arg(long, hide = true)]
    pub background: bool,
}

#[derive(Debug, clap::Args)]
pub struct ExecArguments {
    /// Where mongod and redis-server are.
    #[arg(long, default_value = ".oms/servers")]
    pub servers: PathBuf,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Runs `oms shop`.
pub async fn run(command: ShopCommand) -> anyhow::Result<ExitCode> {
    match command {
        ShopCommand::Run(arguments) if arguments.stop => stop::stop(&arguments.directory).await,
        ShopCommand::Run(arguments) if arguments.detach => detach::detach(&arguments).await,
        ShopCommand::Run(arguments) => run::run(arguments).await,
        ShopCommand::Exec(arguments) => exec::exec(&arguments).await,
    }
}
