//! The commands of `oms`.

use crate::audit::AuditArguments;
use crate::backup::{BackupArguments, RestoreArguments};
use crate::bench::BenchArguments;
use crate::bench::empty::EmptyHandlerArguments;
use crate::describe::DescribeArguments;
use crate::doctor::DoctorArguments;
use crate::keys::KeysCommand;
use crate::load::LoadArguments;
use crate::prove::ProveArguments;
use crate::replay::ReplayArguments;
use crate::seed::SeedArguments;
use crate::shop::ShopCommand;
use clap::{Parser, Subcommand};

/// Runs a shop on one machine, fills it, replays traffic against it and audits it.
#[derive(Debug, Parser)]
#[command(name = "oms", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole shop, or a command beside throw-away databases.
    #[command(subcommand)]
    Shop(ShopCommand),
    /// Keys that sign access tokens.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Fill an empty shop with a small catalogue, stock and two customers.
    Seed(SeedArguments),
    /// Send a file of real invoices through the gateway as a shop's traffic.
    Replay(ReplayArguments),
    /// Send load through the gateway and measure what it costs.
    Load(LoadArguments),
    /// Measure a shop of its own against the database, an empty handler and a peer.
    Bench(BenchArguments),
    /// What `oms bench` puts behind a gateway to learn what the way costs.
    #[command(hide = true)]
    EmptyHandler(EmptyHandlerArguments),
    /// Check that orders, ledger and stock agree.
    Audit(AuditArguments),
    /// Write the three databases as of one moment into a folder, while the shop runs.
    Backup(BackupArguments),
    /// Put a back-up into an empty place.
    Restore(RestoreArguments),
    /// Write the OpenAPI description of the whole API, as the programs beside this one give it.
    DescribeApi(DescribeArguments),
    /// Look at a shop's set-up: say what is wrong and what to do.
    Doctor(Box<DoctorArguments>),
    /// Hurt a shop of its own while customers order, and see that nothing is lost or oversold.
    Prove(ProveArguments),
}
