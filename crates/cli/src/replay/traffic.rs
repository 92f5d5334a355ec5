//! The traffic itself: orders in the order of the file with many in flight, then what was cancelled.

use super::Run;
use super::matching::Cancelling;
use super::plan::{Invoice, Plan, visible};
use super::stocking::Shelves;
use super::tally::{Cancelled, Placed, Tally};
use common::ids::OrderId;
use common::models::order::{NewOrder, OrderStatus, RequestedLine};
use futures_util::{StreamExt as _, stream};
use oms_client::Error;
use std::collections::HashMap;
use std::time::Instant;

/// What became of an order, as far as cancelling it needs to know.
#[derive(Clone, Copy)]
pub struct Standing {
    id: OrderId,
    is_cancelled: bool,
}

/// Places every invoice with goods as one order; answers the orders that stand, by the places of their invoices.
pub async fn place_orders(
    run: &Run,
    plan: &Plan,
    shelves: &Shelves,
    tally: &mut Tally,
) -> HashMap<usize, Standing> {
    let orders: Vec<(usize, &Invoice)> =
        plan.orders().filter_map(|place| Some((place, plan.invoices.get(place)?))).collect();
    let bar = run.progress("orders", orders.len());
    let mut standing = HashMap::with_capacity(orders.len());
    let began = Instant::now();
    let mut answers = stream::iter(orders)
        .map(|(place, invoice)| async move { (place, invoice, place_order(run, invoice, shelves).await) })
        .buffer_unordered(run.concurrency);
    while let Some((place, invoice, (placed, order))) = answers.next().await {
        standing.extend(order.map(|order| (place, order)));
        tally.placed(&invoice.number, placed);
        bar.inc(1);
    }
    tally.placing = began.elapsed();
    bar.finish_and_clear();
    standing
}

async fn place_order(run: &Run, invoice: &Invoice, shelves: &Shelves) -> (Placed, Option<Standing>) {
    let Some(order) = request(invoice, shelves) else {
        return (Placed::Failed("its customer or a product was not created".to_owned()), None);
    };
    let key = key("replay", invoice);
    let (began, mut tries) = (Instant::now(), 0);
    let place = async || {
        tries += 1;
        run.client.place_order(&order, Some(&key)).await
    };
    let answer = run.patience.insist(place).await;
    match answer {
        Ok(created) => {
            let id = created.value.id;
            let is_cancelled = created.value.status == OrderStatus::Cancelled;
            let placed = match (created.replayed, tries) {
                (false, _) => Placed::New(id, began.elapsed()),
                (true, 1) => Placed::Replayed(id),
                (true, _) => Placed::ReplayedLater(id),
            };
            (placed, Some(Standing { id, is_cancelled }))
        }
        // A rejection is an order that exists and never will be confirmed.
        Err(Error::Problem { problem, .. }) if problem.extensions.contains_key("rejections") => {
            (Placed::Rejected(problem.code.into_owned()), None)
        }
        Err(error) => (Placed::Failed(told(&error)), None),
    }
}

fn request(invoice: &Invoice, shelves: &Shelves) -> Option<NewOrder> {
    let lines = invoice.lines.iter().map(|(product, quantity)| {
        Some(RequestedLine { product_id: (*shelves.products.get(*product)?)?, quantity: *quantity })
    });
    Some(NewOrder::of_many(*shelves.customers.get(invoice.customer)?, lines.collect::<Option<_>>()?))
}

/// Cancels the orders that a cancelling invoice matches, once all of them are placed.
pub async fn cancel_orders(
    run: &Run,
    plan: &Plan,
    decisions: &[(usize, Cancelling)],
    standing: &HashMap<usize, Standing>,
    tally: &mut Tally,
) {
    let bar = run.progress("cancellations", decisions.len());
    let known =
        decisions.iter().filter_map(|(place, decision)| Some((plan.invoices.get(*place)?, *decision)));
    let mut answers = stream::iter(known)
        .map(|(invoice, decision)| async move {
            let cancelled = match decision {
                Cancelling::Nothing(reason) => Cancelled::Unmatched(reason),
                Cancelling::Order(place) => cancel_order(run, invoice, standing.get(&place)).await,
            };
            (invoice, cancelled)
        })
        .buffer_unordered(run.concurrency);
    while let Some((invoice, cancelled)) = answers.next().await {
        tally.cancelled(&invoice.number, cancelled);
        bar.inc(1);
    }
    bar.finish_and_clear();
}

async fn cancel_order(run: &Run, invoice: &Invoice, order: Option<&Standing>) -> Cancelled {
    let Some(order) = order else { return Cancelled::NoOrder };
    if order.is_cancelled {
        return Cancelled::Replayed;
    }
    let reason = format!("invoice {}", invoice.number).parse().ok();
    let key = key("replay-cancel", invoice);
    let cancel = async || run.client.cancel_order(order.id, reason.clone(), Some(&key)).await;
    match run.patience.insist(cancel).await {
        Ok(_) => Cancelled::New,
        Err(error) => Cancelled::Failed(told(&error)),
    }
}

/// The idempotency key of what an invoice asks for.
fn key(operation: &str, invoice: &Invoice) -> String {
    visible(&format!("{operation}-{}", invoice.number), 255)
}

/// The failure in one line.
fn told(error: &Error) -> String {
    match error {
        Error::Problem { status, problem } => format!("{status} {}: {}", problem.code, problem.detail),
        other => other.to_string(),
    }
}
