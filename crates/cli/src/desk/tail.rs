//! `oms tail`: orders as they change.

use super::orders::show::{amount, fulfillment, status};
use super::output::Cell;
use super::words::{moment, one_of};
use super::{Desk, DeskArguments};
use anyhow::Context as _;
use common::ids::OrderId;
use common::models::event::{Event, TypeFilter};
use common::models::order::{Order, OrderSort, OrderStatus};
use common::time::Timestamp;
use futures_util::TryStreamExt as _;
use oms_client::{Client, Error, OrderSearch};
use std::collections::HashMap;
use std::pin::pin;
use std::time::{Duration, Instant};

/// How long a log-in is good for at least, when it is handed out.
const LOG_IN: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct TailArguments {
    /// Only orders of this status.
    #[arg(long, value_parser = one_of::<OrderStatus>(super::orders::STATUSES))]
    status: Option<OrderStatus>,
    /// First the orders that have changed since this moment, such as 2026-01-31T12:00:00Z, each as it is now.
    #[arg(long)]
    since: Option<Timestamp>,
    /// End after so many changes.
    #[arg(long)]
    count: Option<usize>,
    #[command(flatten)]
    desk: DeskArguments,
}

/// Runs `oms tail`, until it is stopped.
pub async fn run(arguments: TailArguments) -> anyhow::Result<()> {
    let TailArguments { status, since, count, desk } = arguments;
    let desk = Desk::open(desk)?;
    let mut tail = Tail { desk, status, since, left: count.unwrap_or(usize::MAX), shown: Shown::default() };
    let wanted = TypeFilter::new(["order.*"])?;
    let client = tail.desk.client().await?;
    // Before the list is read: what changes while it is read is told by the feed.
    let mut cursor = client.events(&wanted, Some(1), Some("latest")).await?.next;
    tail.desk.output.remark("Orders as they change; Ctrl-C ends it.");
    if let Some(since) = since {
        tail.catch_up(&client, since).await?;
    }
    while tail.left > 0 {
        let (client, asked) = (tail.desk.client().await?, Instant::now());
        let Err(ended) = tail.follow(&client, &wanted, &mut cursor).await else { continue };
        // Its log-in has run out, and there is another.
        let has_run_out = ended.downcast_ref::<Error>().and_then(Error::status) == Some(401);
        if !has_run_out || asked.elapsed() < LOG_IN {
            return Err(ended);
        }
    }
    Ok(())
}

struct Tail {
    desk: Desk,
    status: Option<OrderStatus>,
    since: Option<Timestamp>,
    /// Changes that are to be told yet.
    left: usize,
    shown: Shown,
}

impl Tail {
    /// The orders that have changed since, in the order of their last change.
    async fn catch_up(&mut self, client: &Client, since: Timestamp) -> anyhow::Result<()> {
        let search = OrderSearch {
            sort: Some(OrderSort::LastChangedLast),
            status: self.status,
            updated_from: Some(since),
            ..OrderSearch::default()
        };
        let mut orders = pin!(client.all_orders(&search));
        while self.left > 0
            && let Some(order) = orders.try_next().await?
        {
            self.shown.0.insert(order.id, order.version);
            self.tell(&order)?;
        }
        Ok(())
    }

    /// Tells what happens from the cursor on, until there has been enough of it.
    async fn follow(
        &mut self,
        client: &Client,
        wanted: &TypeFilter,
        cursor: &mut Option<String>,
    ) -> anyhow::Result<()> {
        let mut events = pin!(client.follow_events(wanted, cursor.as_deref()));
        while self.left > 0
            && let Some(event) = events.try_next().await?
        {
            let order: Order =
                serde_json::from_value(event.data.clone()).context("read an order of the feed")?;
            if self.is_wanted(&event, &order) && self.shown.is_news(order.id, event.version, order.version) {
                self.tell(&order)?;
            }
            *cursor = Some(event.cursor);
        }
        Ok(())
    }

    fn is_wanted(&self, event: &Event, order: &Order) -> bool {
        self.since.is_none_or(|since| event.at >= since)
            && self.status.is_none_or(|status| order.status == status)
    }

    fn tell(&mut self, order: &Order) -> anyhow::Result<()> {
        self.left -= 1;
        self.desk.output.line(&cells(order), order)
    }
}

/// The version that was told of an order, where the feed may still tell of older ones.
#[derive(Default)]
struct Shown(HashMap<OrderId, i64>);

impl Shown {
    /// Whether an event is news. It may come with the order as it was later: the events up to there add nothing.
    fn is_news(&mut self, id: OrderId, event_version: i64, order_version: i64) -> bool {
        let shown = self.0.get(&id).copied().unwrap_or_default();
        if event_version >= shown.max(order_version) {
            self.0.remove(&id);
        } else if event_version > shown {
            self.0.insert(id, order_version);
        }
        event_version > shown
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_once_at_each_version_that_is_seen_of_it() {
        let (mut shown, id) = (Shown::default(), OrderId::new());
        let mut told = |event, order| shown.is_news(id, event, order);
        assert!(told(1, 2) && !told(2, 2), "both were recorded when it was at 2");
        assert!(told(3, 3) && told(4, 6));
        assert!(!told(5, 7) && !told(6, 7) && told(7, 7));
        assert!(shown.0.is_empty());
    }
}
