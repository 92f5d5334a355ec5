//! What must be true once everything is healed and quiet: every wish was heard out, and every answer ever given still
//! holds.

use super::load::{Intent, Load, Wish};
use super::tally::Heard;
use super::victims::Victims;
use anyhow::{Context as _, ensure};
use common::ids::OrderId;
use common::models::order::{NewOrder, Order, OrderStatus};
use futures_util::{StreamExt as _, stream};
use mongodb::bson::{Document, doc};
use oms_client::Client;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Requests in flight while what is in doubt is asked for again.
const CONCURRENCY: usize = 32;

/// How long the healed shop may take to answer everything and to become quiet.
const LIMIT: Duration = Duration::from_secs(120);

/// Most violations that are told.
const TOLD: usize = 20;

/// Asks again for everything that is in doubt, with the same keys.
pub async fn hear_out(load: &Load<'_>) -> anyhow::Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let open: Vec<_> = load.intents().into_iter().filter(|intent| !intent.is_answered()).collect();
        if open.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{} requests are not answered by the healed shop", open.len());
        stream::iter(&open).for_each_concurrent(CONCURRENCY, |intent| load.send(intent)).await;
    }
}

/// Waits until no order is pending and no effect is due.
pub async fn wait_until_quiet(victims: &Victims) -> anyhow::Result<()> {
    let orders = victims.database("orders").collection::<Document>("orders");
    let is_waiting = doc! { "$or": [
        { "status": "pending" }, { "effects.state": "due" }, { "edit": { "$exists": true } },
    ] };
    let deadline = Instant::now() + LIMIT;
    loop {
        let waiting = orders.find_one(is_waiting.clone()).await.context("look for what is waiting")?;
        let Some(waiting) = waiting else { return Ok(()) };
        ensure!(Instant::now() < deadline, "an order is not settled by the healed shop: {waiting}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every order of the shop, as staff see it.
pub async fn read_orders(client: &Client) -> anyhow::Result<HashMap<OrderId, Order>> {
    let mut orders = HashMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = client.orders(Some(200), after.as_deref()).await.context("read the orders")?;
        orders.extend(page.items.into_iter().map(|order| (order.id, order)));
        after = page.next;
        if after.is_none() {
            return Ok(orders);
        }
    }
}

/// The identities that were answered 201.
pub fn acknowledged(intents: &[std::sync::Arc<Intent>]) -> Vec<OrderId> {
    let ids: HashSet<OrderId> = intents
        .iter()
        .flat_map(|intent| intent.heard().clone())
        .filter_map(|heard| if let Heard::Created { id, .. } = heard { Some(id) } else { None })
        .collect();
    ids.into_iter().collect()
}

/// Holds every answer against the orders there are; answers what contradicts.
pub fn judge(intents: &[std::sync::Arc<Intent>], orders: &HashMap<OrderId, Order>) -> Vec<String> {
    let mut violations = Vec::new();
    let mut by_wish: HashMap<OrderId, &str> = HashMap::new();
    let mut cancelled = HashSet::new();
    for intent in intents {
        let heard = intent.heard().clone();
        match &intent.wish {
            Wish::Order(wish) => match judge_order(wish, &heard, orders) {
                Ok(Some(id)) => {
                    if let Some(other) = by_wish.insert(id, &intent.key) {
                        violations.push(format!("{id} answers both {other} and {}", intent.key));
                    }
                }
                Ok(None) => {}
                Err(why) => violations.push(format!("{}: {why}", intent.key)),
            },
            Wish::Cancel(id) if heard.contains(&Heard::Moved) => {
                cancelled.insert(*id);
            }
            Wish::Cancel(_) => {}
        }
    }
    for id in cancelled {
        if orders.get(&id).is_none_or(|order| order.status != OrderStatus::Cancelled) {
            violations.push(format!("{id} was answered as cancelled and is not"));
        }
    }
    let strangers = orders.keys().filter(|id| !by_wish.contains_key(id));
    violations.extend(strangers.map(|id| format!("nobody wished for {id}")));
    violations.truncate(TOLD);
    violations
}

/// The order of a wish, if every answer agrees with it.
fn judge_order(
    wish: &NewOrder,
    heard: &[Heard],
    orders: &HashMap<OrderId, Order>,
) -> Result<Option<OrderId>, String> {
    let mut told: Option<(OrderId, bool)> = None;
    let mut totals = Vec::new();
    for one in heard {
        let now = match one {
            Heard::Created { id, total } => {
                totals.push(*total);
                (*id, true)
            }
            Heard::Rejected { id } => (*id, false),
            Heard::Moved | Heard::NotAllowed | Heard::Nothing => continue,
        };
        if *told.get_or_insert(now) != now {
            return Err(format!("was answered in two ways: {heard:?}"));
        }
    }
    let Some((id, was_created)) = told else { return Ok(None) };
    let order = orders.get(&id).ok_or_else(|| format!("{id} was answered and is not there"))?;
    let is_placed =
        matches!(order.status, OrderStatus::Confirmed | OrderStatus::Cancelled | OrderStatus::Completed);
    if is_placed != was_created {
        return Err(format!(
            "{id} was answered {} and is {:?}",
            if was_created { 201 } else { 409 },
            order.status
        ));
    }
    let has_wished = wish.lines.iter().flatten().map(|line| (line.product_id, line.quantity.get()));
    let has_got = order.lines.iter().map(|line| (line.product_id, line.quantity));
    if order.customer_id != wish.customer_id || !has_wished.eq(has_got) {
        return Err(format!("{id} is another order than was asked for"));
    }
    totals.retain(Option::is_some);
    totals.dedup();
    if totals.len() > 1 {
        return Err(format!("{id} was answered with different totals: {totals:?}"));
    }
    Ok(Some(id))
}
