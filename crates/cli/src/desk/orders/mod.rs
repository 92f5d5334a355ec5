//! `oms orders`.

mod moves;
mod place;
pub mod show;

use super::words::{WantedLine, moment, one_of, word};
use super::{Desk, DeskArguments, find};
use crate::desk::output::{Cell, Column, Sheet, Tone};
use clap::Subcommand;
use common::ids::OrderId;
use common::models::order::{FulfillmentStatus, HistoryEntry, Order, OrderSort, OrderStatus};
use common::models::order_change::{CancellationReason, OrderWhy};
use common::time::Timestamp;
use futures_util::{StreamExt as _, TryStreamExt as _};
use moves::{HoldArguments, ShipArguments};
use oms_client::{Client, OrderSearch};
use place::PlaceArguments;
use show::{order_page, orders_sheet};

pub const STATUSES: &[&str] = &["pending", "confirmed", "rejected", "cancelled", "completed"];
const FULFILLMENTS: &[&str] = &["unfulfilled", "partially_fulfilled", "fulfilled", "delivered"];
const SORTS: &[&str] = &["-createdAt", "createdAt", "-updatedAt", "updatedAt"];

#[derive(Debug, clap::Args)]
pub struct OrdersArguments {
    #[command(subcommand)]
    command: OrdersCommand,
    #[command(flatten)]
    desk: DeskArguments,
}

#[derive(Debug, Subcommand)]
enum OrdersCommand {
    /// The orders, newest first; with a customer's log-in their own.
    List(Box<ListArguments>),
    /// One order with its lines, parcels and returns.
    Show { order: OrderId },
    /// Place an order.
    Place(PlaceArguments),
    /// Cancel what is not shipped, or some of it.
    Cancel {
        order: OrderId,
        /// SKU=UNITS; everything that is not shipped where none is given.
        #[arg(long = "line")]
        lines: Vec<WantedLine>,
        #[arg(long)]
        reason: Option<CancellationReason>,
        /// Names the intention: asking again with the same key does nothing more.
        #[arg(long)]
        key: Option<String>,
    },
    /// Send a parcel.
    Ship(Box<ShipArguments>),
    /// Note that a parcel has arrived.
    Deliver {
        order: OrderId,
        /// Which; the only one that is under way where it is left out.
        fulfillment: Option<common::ids::FulfillmentId>,
        /// All that are under way.
        #[arg(long, conflicts_with = "fulfillment")]
        all: bool,
    },
    /// Put an order on hold: nothing of it is shipped until it is released.
    Hold(HoldArguments),
    /// Let an order that is on hold go on.
    Release(HoldArguments),
    /// Every change of an order, oldest first.
    History { order: OrderId },
    /// What may be done with an order now, and what stands in the way of the rest.
    Why { order: OrderId },
}

#[derive(Debug, clap::Args)]
struct ListArguments {
    #[arg(long, value_parser = one_of::<OrderStatus>(STATUSES))]
    status: Option<OrderStatus>,
    #[arg(long, value_parser = one_of::<FulfillmentStatus>(FULFILLMENTS))]
    fulfillment: Option<FulfillmentStatus>,
    /// An e-mail address, an id, or `me`.
    #[arg(long)]
    customer: Option<String>,
    /// A sku or an id.
    #[arg(long)]
    product: Option<String>,
    #[arg(long)]
    tag: Option<String>,
    /// The order's name in another system.
    #[arg(long)]
    external_id: Option<String>,
    /// Placed at this moment or later, such as 2026-01-31T12:00:00Z.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Placed before this moment.
    #[arg(long)]
    to: Option<Timestamp>,
    #[arg(long, value_parser = one_of::<OrderSort>(SORTS), allow_hyphen_values = true)]
    sort: Option<OrderSort>,
    /// Most that are shown.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// Runs `oms orders`.
pub async fn run(arguments: OrdersArguments) -> anyhow::Result<()> {
    let desk = Desk::open(arguments.desk)?;
    let client = desk.client().await?;
    let order = match arguments.command {
        OrdersCommand::List(wanted) => return list(&desk, &client, *wanted).await,
        OrdersCommand::History { order } => {
            let history = client.order_history(order).await?;
            return desk.output.list(&history_sheet(&history), &history);
        }
        OrdersCommand::Why { order } => {
            let why = client.order_why(order).await?;
            return desk.output.list(&why_sheet(&why), &why);
        }
        OrdersCommand::Show { order } => client.order(order).await?,
        OrdersCommand::Place(wanted) => place::place(&desk, &client, wanted).await?,
        OrdersCommand::Cancel { order, lines, reason, key } => {
            moves::cancel(&client, order, &lines, reason, key.as_deref()).await?
        }
        OrdersCommand::Ship(parcel) => moves::ship(&desk, &client, *parcel).await?,
        OrdersCommand::Deliver { order, fulfillment, all } => {
            moves::deliver(&client, order, fulfillment, all).await?
        }
        OrdersCommand::Hold(hold) => moves::hold(&client, hold).await?,
        OrdersCommand::Release(hold) => moves::release(&client, hold).await?,
    };
    desk.output.page(&order_page(&order), &order)
}

async fn list(desk: &Desk, client: &Client, wanted: ListArguments) -> anyhow::Result<()> {
    let customer = match &wanted.customer {
        Some(customer) => Some(find::customer(desk, client, customer).await?),
        None => None,
    };
    let product = match &wanted.product {
        Some(product) => Some(find::product(client, product).await?.id),
        None => None,
    };
    let search = OrderSearch {
        sort: wanted.sort,
        status: wanted.status,
        fulfillment_status: wanted.fulfillment,
        customer_id: customer,
        product_id: product,
        external_id: wanted.external_id,
        tag: wanted.tag,
        created_from: wanted.from,
        created_to: wanted.to,
        ..OrderSearch::default()
    };
    let orders: Vec<Order> = if desk.is_customers().await? && search == OrderSearch::default() {
        client.all_customer_orders(desk.own_customer().await?).take(wanted.limit).try_collect().await?
    } else {
        client.all_orders(&search).take(wanted.limit).try_collect().await?
    };
    desk.output.list(&orders_sheet(&orders), &orders)
}

fn history_sheet(history: &[HistoryEntry]) -> Sheet {
    let columns = ["at", "event", "actor", "note"].map(Column::left).to_vec();
    let row = |change: &HistoryEntry| {
        vec![
            moment(change.at),
            word(&change.event).into(),
            change.actor.as_str().into(),
            change.note.as_deref().unwrap_or_default().into(),
        ]
    };
    Sheet::new(columns, history.iter().map(row).collect())
}

fn why_sheet(why: &OrderWhy) -> Sheet {
    let columns = ["move", "allowed", "because"].map(Column::left).to_vec();
    let rows = why.moves.iter().map(|answer| {
        let allowed =
            if answer.allowed { Cell::toned("yes", Tone::Good) } else { Cell::toned("no", Tone::Bad) };
        vec![word(&answer.asked).into(), allowed, answer.because.as_deref().unwrap_or_default().into()]
    });
    Sheet::new(columns, rows.collect())
}
