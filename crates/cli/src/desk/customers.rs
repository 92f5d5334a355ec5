//! `oms customers`.

use super::orders::show::orders_sheet;
use super::output::{Cell, Column, Page, Sheet, Tone};
use super::words::{moment, word};
use super::{Desk, DeskArguments, find};
use clap::Subcommand;
use common::models::customer::{Customer, CustomerStatus};
use futures_util::{StreamExt as _, TryStreamExt as _};

#[derive(Debug, clap::Args)]
pub struct CustomersArguments {
    #[command(subcommand)]
    command: CustomersCommand,
    #[command(flatten)]
    desk: DeskArguments,
}

#[derive(Debug, Subcommand)]
enum CustomersCommand {
    /// The customers, newest first.
    List {
        /// How the e-mail address begins.
        #[arg(long)]
        email: Option<String>,
        /// How the name begins.
        #[arg(long)]
        name: Option<String>,
        /// Most that are shown.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One customer, by e-mail address or id; `me` is yourself.
    Show { customer: String },
    /// A customer's orders, newest first.
    Orders {
        customer: String,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

/// Runs `oms customers`.
pub async fn run(arguments: CustomersArguments) -> anyhow::Result<()> {
    let desk = Desk::open(arguments.desk)?;
    let client = desk.client().await?;
    match arguments.command {
        CustomersCommand::List { email, name, limit } => {
            let found = client.all_customers(email.as_deref(), name.as_deref());
            let found: Vec<Customer> = found.take(limit).try_collect().await?;
            desk.output.list(&sheet(&found), &found)
        }
        CustomersCommand::Show { customer } => {
            let id = find::customer(&desk, &client, &customer).await?;
            let customer = client.customer(id).await?;
            desk.output.page(&page(&customer), &customer)
        }
        CustomersCommand::Orders { customer, limit } => {
            let id = find::customer(&desk, &client, &customer).await?;
            let orders: Vec<_> = client.all_customer_orders(id).take(limit).try_collect().await?;
            desk.output.list(&orders_sheet(&orders), &orders)
        }
    }
}

fn sheet(customers: &[Customer]) -> Sheet {
    let columns = ["id", "name", "email", "role", "status", "created"].map(Column::left).to_vec();
    let row = |customer: &Customer| {
        vec![
            customer.id.to_string().into(),
            customer.name.as_str().into(),
            customer.email.as_str().into(),
            word(&customer.role).into(),
            status(customer),
            moment(customer.created_at),
        ]
    };
    Sheet::new(columns, customers.iter().map(row).collect())
}

fn page(customer: &Customer) -> Page {
    let proved = if customer.email_verified { "yes" } else { "no" };
    let mut facts: Vec<(&'static str, Cell)> = vec![
        ("id", customer.id.to_string().into()),
        ("name", customer.name.as_str().into()),
        ("email", customer.email.as_str().into()),
        ("email proved", proved.into()),
        ("role", word(&customer.role).into()),
        ("status", status(customer)),
        ("created", moment(customer.created_at)),
        ("changed", moment(customer.updated_at)),
    ];
    if let Some(phone) = &customer.phone {
        facts.push(("phone", phone.as_str().into()));
    }
    Page { facts, sheets: Vec::new() }
}

fn status(customer: &Customer) -> Cell {
    let tone = if customer.status == CustomerStatus::Active { Tone::Good } else { Tone::Warn };
    Cell::toned(word(&customer.status), tone)
}
