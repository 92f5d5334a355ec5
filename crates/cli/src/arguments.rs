//! The commands of `oms`.

use crate::audit::AuditArguments;
use crate::backup::{BackupArguments, RestoreArguments};
use crate::bench::BenchArguments;
use crate::bench::empty::EmptyHandlerArguments;
use crate::describe::DescribeArguments;
use crate::desk::completions::CompletionsArguments;
use crate::desk::customers::CustomersArguments;
use crate::desk::log_in::{LogInArguments, LogOutArguments, ProfilesArguments};
use crate::desk::orders::OrdersArguments;
use crate::desk::products::ProductsArguments;
use crate::desk::stock::StockArguments;
use crate::desk::tail::TailArguments;
use crate::doctor::DoctorArguments;
use crate::files::export::ExportCommand;
use crate::files::import::ImportCommand;
use crate::keys::KeysCommand;
use crate::load::LoadArguments;
use crate::prove::ProveArguments;
use crate::replay::ReplayArguments;
use crate::seed::SeedArguments;
use crate::shop::ShopCommand;
use clap::{Parser, Subcommand};

/// Works with a shop: orders, products, stock and customers; runs one on one machine, fills it, measures it, audits it.
#[derive(Debug, Parser)]
#[command(name = "oms", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in to a shop, for the commands that work with it.
    Login(LogInArguments),
    /// End a log-in and forget it.
    Logout(LogOutArguments),
    /// The log-ins that are kept.
    Profiles(ProfilesArguments),
    /// List, show, place, cancel, ship, deliver and hold orders.
    Orders(OrdersArguments),
    /// List, show and create products, change what they cost, take them off sale.
    Products(ProductsArguments),
    /// What is there, what moved it and why; count, receive and transfer.
    Stock(StockArguments),
    /// List and show customers and their orders.
    Customers(CustomersArguments),
    /// Follow orders as they change.
    Tail(TailArguments),
    /// Write what a shell needs to complete these commands.
    Completions(CompletionsArguments),
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
    /// Put a file of products, stock or orders into a shop, row by row.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Write products, stock, orders or customers to a file.
    #[command(subcommand)]
    Export(ExportCommand),
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
