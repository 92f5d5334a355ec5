//! The invariants as pure functions over what was read: they judge, and write what they find into a report.

pub mod orders;

use super::documents::{MovementDocument, StockDocument};
use super::ledger::{Ledger, Sums};
use super::report::{Invariant, Report};
use common::ids::{OrderId, ProductId};
use common::models::inventory::MovementKind;
use std::collections::{BTreeMap, HashSet};

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
    let (on_hand, reserved) = (row.on_hand, row.reserved);
    if on_hand < 0 || reserved < 0 || reserved > on_hand.saturating_add(row.backorder_limit) {
        report.broken(Invariant::A1, &place, format!("on hand {on_hand}, reserved {reserved}"));
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

/// A3 for one movement by itself: who decides names an order, and its items are its lines.
pub fn judge_movement(movement: &MovementDocument, report: &mut Report) {
    report.checked(Invariant::A3);
    let mut broken = |problem: &str| report.broken(Invariant::A3, movement.id, problem);
    match movement.kind {
        // One that does not carry the order's identity decides on an edit, which the order must know.
        MovementKind::Reservation | MovementKind::Refusal => {
            if movement.order_id.is_none() {
                broken("decides on no order");
            }
        }
        MovementKind::Release | MovementKind::Shipment | MovementKind::Return => {
            if movement.order_id.is_none() {
                broken("is the effect of no order");
            }
        }
        MovementKind::Adjustment
        | MovementKind::Receipt
        | MovementKind::Transfer
        | MovementKind::Hold
        | MovementKind::HoldRelease => {}
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

fn sum_by_product(units: impl Iterator<Item = (ProductId, i64)>) -> BTreeMap<ProductId, i128> {
    let mut sums = BTreeMap::new();
    for (product, units) in units {
        *sums.entry(product).or_default() += i128::from(units);
    }
    sums.retain(|_, units| *units != 0);
    sums
}

#[cfg(test)]
mod tests;
