//! `oms tail`: orders as they change.

use super::orders::show::{amount, fulfillment, status};
use super::output::Cell;
use super::words::{moment, one_of};
use super::{Desk, DeskArguments};
use common::ids::OrderId;
use common::models::order::{Order, OrderSort, OrderStatus};
use common::time::Timestamp;
use oms_client::{Client, OrderSearch};
use std::collections::HashMap;
use std::time::Duration;

/// How far behind the newest change is looked again: a change is dated before it is written, so that one may appear
/// behind another that is younger.
const OVERLAP_MS: i64 = 5_000;

const PAGE: u8 = 200;

#[derive(Debug, clap::Args)]
pub struct TailArguments {
    /// Only orders of this status.
    #[arg(long, value_parser = one_of::<OrderStatus>(super::orders::STATUSES))]
    status: Option<OrderStatus>,
    /// Changes from this moment on, such as 2026-01-31T12:00:00Z; from now on where it is left out.
    #[arg(long)]
    since: Option<Timestamp>,
    /// End after so many changes.
    #[arg(long)]
    count: Option<usize>,
    /// How often to look, in milliseconds.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    interval_ms: u64,
    #[command(flatten)]
    desk: DeskArguments,
}

/// Runs `oms tail`, until it is stopped.
pub async fn run(arguments: TailArguments) -> anyhow::Result<()> {
    let desk = Desk::open(arguments.desk)?;
    let begun = arguments.since.unwrap_or_else(Timestamp::now);
    let mut seen = Seen { begun, newest: begun, versions: HashMap::new() };
    let mut left = arguments.count.unwrap_or(usize::MAX);
    desk.output.remark("Orders as they change; Ctrl-C ends it.");
    while left > 0 {
        // A log-in may have to be renewed meanwhile.
        let client = desk.client().await?;
        for order in seen.look(&client, arguments.status).await?.into_iter().take(left) {
            left -= 1;
            desk.output.line(&cells(&order), &order)?;
        }
        if left > 0 {
            tokio::time::sleep(Duration::from_millis(arguments.interval_ms)).await;
        }
    }
    Ok(())
}

/// What was shown already.
struct Seen {
    begun: Timestamp,
    newest: Timestamp,
    /// The version and the moment of each order that changed of late.
    versions: HashMap<OrderId, (i64, Timestamp)>,
}

impl Seen {
    /// The changes that were not shown yet, oldest first.
    async fn look(&mut self, client: &Client, status: Option<OrderStatus>) -> anyhow::Result<Vec<Order>> {
        let from = self.newest.plus_millis(-OVERLAP_MS).max(self.begun);
        let search = OrderSearch {
            sort: Some(OrderSort::LastChangedLast),
            status,
            updated_from: Some(from),
            ..OrderSearch::default()
        };
        let (mut new, mut after) = (Vec::new(), None);
        loop {
            let page = client.find_orders(&search, Some(PAGE), after.as_deref()).await?;
            new.extend(page.items.into_iter().filter(|order| self.is_new(order)));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let oldest = self.newest.plus_millis(-2 * OVERLAP_MS);
        self.versions.retain(|_, (_, at)| *at >= oldest);
        Ok(new)
    }

    fn is_new(&mut self, order: &Order) -> bool {
        self.newest = self.newest.max(order.updated_at);
        let before = self.versions.insert(order.id, (order.version, order.updated_at));
        before.is_none_or(|(version, _)| version < order.version)
    }
}

fn cells(order: &Order) -> Vec<Cell> {
    let what = order.lines.iter().map(|line| {
        let name = line.sku.as_ref().map_or_else(|| line.product_id.to_string(), ToString::to_string);
        format!("{}×{name}", line.quantity)
    });
    let mut what: Vec<String> = what.take(4).collect();
    if let Some(more) = order.lines.len().checked_sub(4).filter(|more| *more > 0) {
        what.push(format!("and {more} more"));
    }
    vec![
        moment(order.updated_at),
        order.id.to_string().into(),
        status(order),
        fulfillment(order),
        Cell::from(amount(order).to_string()),
        what.join(", ").into(),
    ]
}
