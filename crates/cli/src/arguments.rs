//! The commands of `oms`.

use crate::audit::AuditArguments;
use crate::keys::KeysCommand;
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
    /// Check that orders, ledger and stock agree.
    Audit(AuditArguments),
    /// Hurt a shop of its own while customers order, and see that nothing is lost or oversold.
    Prove(ProveArguments),
}
