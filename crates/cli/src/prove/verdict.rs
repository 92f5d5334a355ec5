//! What must be true once everything is healed and quiet: every wish was heard out, and every answer ever given still
//! holds.

use super::heard::Heard;
use super::load::Load;
use super::reckoning::{Asked, reckon};
use super::victims::Victims;
use super::wish::{Intent, Wish};
use anyhow::{Context as _, ensure};
use common::ids::OrderId;
use common::models::order::{HistoryEntry, NewOrder, Order, OrderStatus};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mongodb::bson::{Document, doc};
use oms_client::Client;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests in flight while what is in doubt is asked for again, and while orders are read.
const CONCURRENCY: usize = 32;

/// How long the healed shop may take to answer everything and to become quiet.
const LIMIT: Duration = Duration::from_secs(120);

/// Longer than a request of before may still be on its way.
const LINGERING: Duration = Duration::from_secs(6);

/// Most violations that are told.
const TOLD: usize = 20;

/// What there is, as staff see it.
pub struct Found {
    pub orders: HashMap<OrderId, Order>,
    /// Of the orders that were ever placed, oldest change first.
    histories: HashMap<OrderId, Vec<HistoryEntry>>,
}

/// Lets what is on its way arrive, and asks again for everything that is in doubt, with the same keys.
pub async fn hear_out(load: &Load<'_>) -> anyhow::Result<()> {
    tokio::time::sleep(LINGERING).await;
    let deadline = Instant::now() + LIMIT;
    let mut open: Vec<_> = load.intents().into_iter().filter(|intent| intent.is_in_doubt()).collect();
    while !open.is_empty() {
        ensure!(Instant::now() < deadline, "{} requests are not answered by the healed shop", open.len());
        stream::iter(&open).for_each_concurrent(CONCURRENCY, |intent| load.send(intent)).await;
        open.retain(|intent| intent.is_open());
    }
    Ok(())
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

/// Every order of the shop with its history.
pub async fn read(client: &Client) -> anyhow::Result<Found> {
    let mut orders = HashMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = client.orders(Some(200), after.as_deref()).await.context("read the orders")?;
        orders.extend(page.items.into_iter().map(|order| (order.id, order)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let placed = orders.values().filter(|order| is_placed(order)).map(|order| order.id);
    let histories = stream::iter(placed)
        .map(|id| async move { anyhow::Ok((id, client.order_history(id).await.context("read a history")?)) })
        .buffer_unordered(CONCURRENCY);
    Ok(Found { histories: histories.try_collect().await?, orders })
}

const fn is_placed(order: &Order) -> bool {
    matches!(order.status, OrderStatus::Confirmed | OrderStatus::Cancelled | OrderStatus::Completed)
}

/// The identities that were answered 201.
pub fn acknowledged(intents: &[Arc<Intent>]) -> Vec<OrderId> {
    let ids: HashSet<OrderId> = intents
        .iter()
        .flat_map(|intent| intent.heard())
        .filter_map(|heard| if let Heard::Created { id, .. } = heard { Some(id) } else { None })
        .collect();
    ids.into_iter().collect()
}

/// Holds every answer against the orders there are; answers what contradicts.
pub fn judge(intents: &[Arc<Intent>], found: &Found) -> Vec<String> {
    let mut violations = Vec::new();
    let mut by_wish: HashMap<OrderId, &str> = HashMap::new();
    let asked = asked_of_orders(intents);
    let nothing = Asked::new();
    for intent in intents {
        let Wish::Order(wish) = &intent.wish else { continue };
        let judged = judge_answers(&intent.heard(), found).and_then(|order| {
            let Some(order) = order else { return Ok(()) };
            if let Some(other) = by_wish.insert(order.id, &intent.key) {
                return Err(format!("{} answers {other} as well", order.id));
            }
            judge_order(wish, order, asked.get(&order.id).unwrap_or(&nothing), found)
        });
        violations.extend(judged.err().map(|why| format!("{}: {why}", intent.key)));
    }
    let strangers = found.orders.keys().filter(|id| !by_wish.contains_key(id));
    violations.extend(strangers.map(|id| format!("nobody wished for {id}")));
    violations.truncate(TOLD);
    violations
}

fn asked_of_orders(intents: &[Arc<Intent>]) -> HashMap<OrderId, Asked<'_>> {
    let mut asked: HashMap<OrderId, Asked<'_>> = HashMap::new();
    for intent in intents {
        if let Wish::Move(wish) = &intent.wish {
            asked.entry(wish.order).or_default().insert(&intent.key, (&wish.step, intent));
        }
    }
    asked
}

/// The order of a wish, if every answer agrees with it and with the others.
fn judge_answers<'a>(heard: &[Heard], found: &'a Found) -> Result<Option<&'a Order>, String> {
    let mut told: Option<(OrderId, bool)> = None;
    let mut totals = BTreeMap::new();
    for one in heard {
        let now = match one {
            Heard::Created { id, version, total } => {
                if totals.insert(version, total).is_some_and(|earlier| earlier != total) {
                    return Err(format!("was answered with different totals: {heard:?}"));
                }
                (*id, true)
            }
            Heard::Rejected { id } => (*id, false),
            _ => continue,
        };
        if *told.get_or_insert(now) != now {
            return Err(format!("was answered in two ways: {heard:?}"));
        }
    }
    let Some((id, was_created)) = told else { return Ok(None) };
    let order = found.orders.get(&id).ok_or_else(|| format!("{id} was answered and is not there"))?;
    if is_placed(order) != was_created {
        let status = if was_created { 201 } else { 409 };
        return Err(format!("{id} was answered {status} and is {:?}", order.status));
    }
    Ok(Some(order))
}

/// An order is what its wish and every move of it come to.
fn judge_order(wish: &NewOrder, order: &Order, asked: &Asked<'_>, found: &Found) -> Result<(), String> {
    if order.customer_id != wish.customer_id {
        return Err(format!("{} is someone else's", order.id));
    }
    if !is_placed(order) {
        let wished = wish.lines.iter().flatten().map(|line| (line.product_id, line.quantity.get()));
        let is_as_wished = wished.eq(order.lines.iter().map(|line| (line.product_id, line.quantity)));
        return is_as_wished.then_some(()).ok_or_else(|| format!("{} is another order", order.id));
    }
    let history = found.histories.get(&order.id).ok_or_else(|| format!("{} has no history", order.id))?;
    reckon(wish, order, history, asked).map_err(|why| format!("{} {why}", order.id))
}

/// Moves that were made, by kind, and those that were not, by what was said of them.
pub fn moves(intents: &[Arc<Intent>]) -> (BTreeMap<&'static str, u64>, BTreeMap<&'static str, u64>) {
    let (mut made, mut refused) = (BTreeMap::new(), BTreeMap::new());
    for intent in intents {
        let Wish::Move(wish) = &intent.wish else { continue };
        let heard = intent.heard();
        if heard.contains(&Heard::Moved) {
            *made.entry(wish.step.label()).or_default() += 1;
            continue;
        }
        let refusals = [
            (Heard::Refused, "for want of stock"),
            (Heard::Stale, "for their version"),
            (Heard::NotAllowed, "by the order's state"),
        ];
        if let Some((_, label)) = refusals.iter().find(|(refusal, _)| heard.contains(refusal)) {
            *refused.entry(*label).or_default() += 1;
        }
    }
    (made, refused)
}
