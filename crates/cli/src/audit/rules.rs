//! The invariants as pure functions over what was read: they judge, and write what they find into a report.

use super::documents::{
    Effect, EffectState, MovementDocument, MovementKind, OrderDocument, OrderLine, StockDocument,
};
use super::ledger::{Decision, Ledger, OrderMovements, Sums, copy_of};
use super::report::{Invariant, Report};
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::OrderStatus;
use common::money::MAX_MINOR;
use common::time::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// How long an order may stay pending, or an effect due.
const PATIENCE_MS: i64 = 30_000;

/// A1 for one stock row: its numbers are the sums of its movements, and nothing is promised that is not there.
pub fn judge_stock(
    row: &StockDocument,
    ledger: &mut Ledger,
    products: &HashSet<ProductId>,
    report: &mut Report,
) {
    report.checked(Invariant::A1);
    let place = format!("{}@{}", row.product_id, row.location_id);
    let sums = ledger.take_place(row.product_id, &row.location_id).unwrap_or_default();
    if sums != (Sums { on_hand: row.on_hand.into(), reserved: row.reserved.into() }) {
        report.broken(
            Invariant::A1,
            &place,
            format!(
                "on hand {} and reserved {}, but its movements add up to {} and {}",
                row.on_hand, row.reserved, sums.on_hand, sums.reserved
            ),
        );
    }
    if row.reserved < 0 || row.reserved > row.on_hand {
        report.broken(Invariant::A1, &place, format!("on hand {}, reserved {}", row.on_hand, row.reserved));
    }
    if !products.contains(&row.product_id) {
        report.broken(Invariant::A1, &place, "there is no such product");
    }
}

/// A1 for what no stock row accounted for: movements of a place that does not exist.
pub fn judge_places_left(ledger: &Ledger, report: &mut Report) {
    for (product, location) in ledger.places() {
        report.checked(Invariant::A1);
        report.broken(Invariant::A1, format!("{product}@{location}"), "has movements but no stock row");
    }
}

/// A3 for one movement by itself: who decides on an order carries its identity, and its items are its lines.
pub fn judge_movement(movement: &MovementDocument, report: &mut Report) {
    report.checked(Invariant::A3);
    let mut broken = |problem: &str| report.broken(Invariant::A3, movement.id, problem);
    match movement.kind {
        MovementKind::Reservation | MovementKind::Refusal => {
            if movement.order_id.map(OrderId::reservation) != Some(movement.id) {
                broken("decides on an order without carrying its identity");
            }
        }
        MovementKind::Release | MovementKind::Shipment | MovementKind::Return => {
            if movement.order_id.is_none() {
                broken("is the effect of no order");
            }
        }
        MovementKind::Adjustment | MovementKind::Receipt | MovementKind::Transfer => {}
    }
    let items: BTreeMap<_, i128> =
        sum_by_product(movement.items.iter().map(|item| (item.product_id, item.quantity)));
    let reserved = sum_by_product(movement.lines.iter().map(|line| (line.product_id, line.reserved_delta)));
    match movement.kind {
        MovementKind::Reservation
            if items != reserved || movement.lines.iter().any(|line| line.on_hand_delta != 0) =>
        {
            broken("is a reservation whose lines are not what its items say");
        }
        MovementKind::Refusal if !movement.lines.is_empty() => broken("is a refusal that moves stock"),
        _ => {}
    }
}

/// A2 to A5 for one order and the movements that name it.
pub fn judge_order(
    order: &OrderDocument,
    movements: &OrderMovements,
    customers: &HashSet<CustomerId>,
    now: Timestamp,
    report: &mut Report,
) {
    judge_quantities(order, movements, report);
    judge_decision(order, movements, report);
    report.checked(Invariant::A3);
    if !customers.contains(&order.customer_id) {
        report.broken(Invariant::A3, order.id, format!("its customer {} does not exist", order.customer_id));
    }
    judge_waiting(order, now, report);
    report.checked(Invariant::A5);
    if let Err(problem) = check_total(order) {
        report.broken(Invariant::A5, order.id, problem);
    }
}

/// A3 for movements that name an order which does not exist.
pub fn judge_orders_left(ledger: &Ledger, report: &mut Report) {
    for order_id in ledger.orders() {
        report.broken(Invariant::A3, order_id, "has movements but there is no such order");
    }
}

/// A5 for the orders whose 201 a client holds: `missing` are those that were not read.
pub fn judge_acknowledged(acknowledged: &[OrderId], missing: &HashSet<OrderId>, report: &mut Report) {
    let mut once = HashSet::with_capacity(acknowledged.len());
    for order_id in acknowledged {
        report.checked(Invariant::A5);
        if !once.insert(order_id) {
            report.broken(Invariant::A5, order_id, "answers two different requests");
        } else if missing.contains(order_id) {
            report.broken(Invariant::A5, order_id, "was acknowledged and is not there");
        }
    }
}

/// A2: the quantities on the lines are possible, every effect is what the ledger has, and the sum of all movements
/// is what the order still holds.
fn judge_quantities(order: &OrderDocument, movements: &OrderMovements, report: &mut Report) {
    report.checked(Invariant::A2);
    if order.lines.is_empty() || order.lines.iter().any(|line| !is_possible(line)) {
        report.broken(Invariant::A2, order.id, "has lines with impossible quantities");
    }
    let mut broken = |problem: String| report.broken(Invariant::A2, order.id, problem);
    for effect in &order.effects {
        match movements.effects.iter().find(|movement| movement.id == effect.id) {
            None if effect.state == EffectState::Done => {
                broken(format!("its effect {} is done without a movement", effect.id));
            }
            None => {}
            Some(movement) if movement.kind != effect.kind || movement.sums != effect_sums(effect) => {
                broken(format!("its effect {} has another movement than it says", effect.id));
            }
            Some(_) => {}
        }
    }
    for movement in &movements.effects {
        if !order.effects.iter().any(|effect| effect.id == movement.id) {
            broken(format!("the movement {} is no effect of it", movement.id));
        }
    }
    let (moved, held) = (movements.reserved(), held(order, movements));
    if moved != held {
        let product = moved
            .iter()
            .chain(&held)
            .find(|(product, units)| moved.get(product) != Some(units) || held.get(product) != Some(units));
        let product = product.map_or_else(String::new, |(product, _)| format!(", for example of {product}"));
        broken(format!("its movements reserve other units than its lines hold{product}"));
    }
}

const fn is_possible(line: &OrderLine) -> bool {
    line.quantity > 0
        && line.cancelled >= 0
        && line.shipped >= 0
        && line.cancelled <= line.quantity
        && line.shipped <= line.quantity - line.cancelled
        && line.delivered >= 0
        && line.delivered <= line.shipped
        && line.returned >= 0
        && line.returned <= line.delivered
}

/// Units that the ledger must hold reserved for the order: what is open on its lines, and what due effects are still
/// to take off. A pending order holds what its reservation got, if it has one.
fn held(order: &OrderDocument, movements: &OrderMovements) -> BTreeMap<ProductId, i128> {
    let is_reserved = match order.status {
        OrderStatus::Pending => matches!(movements.decision, Some(Decision::Reserved { .. })),
        OrderStatus::Rejected => false,
        OrderStatus::Confirmed | OrderStatus::Cancelled | OrderStatus::Completed => true,
    };
    if !is_reserved {
        return BTreeMap::new();
    }
    let open = order.lines.iter().map(|line| {
        (line.product_id, line.quantity.saturating_sub(line.cancelled).saturating_sub(line.shipped))
    });
    let undelivered = order
        .effects
        .iter()
        .filter(|effect| effect.state == EffectState::Due)
        .filter(|effect| matches!(effect.kind, MovementKind::Release | MovementKind::Shipment))
        .filter(|effect| !movements.effects.iter().any(|movement| movement.id == effect.id))
        .flat_map(|effect| effect.lines.iter().map(|line| (line.product_id, line.quantity)));
    sum_by_product(open.chain(undelivered))
}

/// What an effect does to each product: on hand and reserved.
fn effect_sums(effect: &Effect) -> BTreeMap<ProductId, Sums> {
    let mut sums: BTreeMap<ProductId, Sums> = BTreeMap::new();
    for line in &effect.lines {
        let units = i128::from(line.quantity);
        let (on_hand, reserved) = match effect.kind {
            MovementKind::Release => (0, -units),
            MovementKind::Shipment => (-units, -units),
            MovementKind::Return => (units, 0),
            // No order has such an effect: no movement can equal it.
            _ => (i128::MAX, i128::MAX),
        };
        let sum = sums.entry(line.product_id).or_default();
        sum.on_hand = sum.on_hand.saturating_add(on_hand);
        sum.reserved = sum.reserved.saturating_add(reserved);
    }
    sums
}

/// A3: the order says what its reservation decided, with equal lines and the same copies of what was bought.
fn judge_decision(order: &OrderDocument, movements: &OrderMovements, report: &mut Report) {
    report.checked(Invariant::A3);
    let problem = match (order.status, &movements.decision) {
        (OrderStatus::Rejected, Some(Decision::Reserved { .. })) => "is rejected and holds a reservation",
        (
            OrderStatus::Confirmed | OrderStatus::Completed | OrderStatus::Cancelled,
            None | Some(Decision::Refused),
        ) => "is confirmed without a reservation",
        (OrderStatus::Pending, Some(Decision::Reserved { bought, .. })) => {
            let asked = sum_by_product(order.lines.iter().map(|line| (line.product_id, line.quantity)));
            let got = sum_by_product(bought.iter().map(|item| (item.product, item.quantity)));
            if asked == got {
                return;
            }
            "has a reservation of other lines"
        }
        (_, Some(Decision::Reserved { currency, bought })) => {
            let mut ours: Vec<_> = order.lines.iter().map(copy_of_line).collect();
            let mut theirs: Vec<_> =
                bought.iter().map(|item| Some((item.product, item.quantity, item.copy))).collect();
            ours.sort_unstable();
            theirs.sort_unstable();
            if ours == theirs && order.currency == *currency {
                return;
            }
            "has other lines, names, prices or another currency than its reservation"
        }
        (OrderStatus::Pending | OrderStatus::Rejected, _) => return,
    };
    report.broken(Invariant::A3, order.id, problem);
}

/// The line in the form a reservation keeps it; nothing where it lacks a copied field.
fn copy_of_line(line: &OrderLine) -> Option<(ProductId, i64, u64)> {
    let copy = copy_of(line.sku.as_deref()?, line.name.as_deref()?, line.unit_price_minor?);
    Some((line.product_id, line.quantity, copy))
}

/// A4: nothing waits for longer than a sweep takes.
fn judge_waiting(order: &OrderDocument, now: Timestamp, report: &mut Report) {
    report.checked(Invariant::A4);
    let is_old = |at: Timestamp| now.as_millis().saturating_sub(at.as_millis()) > PATIENCE_MS;
    if order.status == OrderStatus::Pending && is_old(order.created_at) {
        report.broken(Invariant::A4, order.id, format!("pending since {}", order.created_at));
    }
    for effect in &order.effects {
        if effect.state == EffectState::Due && is_old(effect.at) {
            report.broken(Invariant::A4, order.id, format!("effect {} due since {}", effect.id, effect.at));
        }
    }
}

fn sum_by_product(units: impl Iterator<Item = (ProductId, i64)>) -> BTreeMap<ProductId, i128> {
    let mut sums = BTreeMap::new();
    for (product, units) in units {
        *sums.entry(product).or_default() += i128::from(units);
    }
    sums.retain(|_, units| *units != 0);
    sums
}

/// A5: the total is the sum of unit price times the quantity that is not cancelled, and stands where there is one.
fn check_total(order: &OrderDocument) -> Result<(), String> {
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Rejected) {
        return match order.total_minor {
            None => Ok(()),
            Some(_) => Err("has a total before it is confirmed".to_owned()),
        };
    }
    let sum = order.lines.iter().try_fold(0_i64, |sum, line| {
        let kept = line.quantity.checked_sub(line.cancelled)?;
        sum.checked_add(line.unit_price_minor?.checked_mul(kept)?)
    });
    match (order.total_minor, sum) {
        (Some(total), Some(sum)) if total == sum && (0..=MAX_MINOR).contains(&total) => Ok(()),
        (Some(total), Some(sum)) => {
            Err(format!("its total is {total}, its lines add up to {sum} (minor units)"))
        }
        (total, _) => Err(format!("its lines cannot be added up to its total {total:?}")),
    }
}

#[cfg(test)]
mod tests;
