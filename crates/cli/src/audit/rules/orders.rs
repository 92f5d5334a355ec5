//! A2 to A5 for one order: what it says of itself and what the ledger did for it are the same.

use super::super::documents::{Effect, EffectState, OrderDocument, OrderLine};
use super::super::ledger::{Bought, Decision, OrderMovements, Sums, copy_of};
use super::super::report::{Invariant, Report};
use super::sum_by_product;
use common::ids::{CustomerId, ProductId};
use common::models::inventory::MovementKind;
use common::models::order::OrderStatus;
use common::models::order_import::StockUse;
use common::money::MAX_MINOR;
use common::time::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// How long an order may stay pending, an edit wait or an effect be due.
const PATIENCE_MS: i64 = 30_000;

/// A2 to A5 for one order and the movements that name it.
pub fn judge_order(
    order: &OrderDocument,
    movements: &OrderMovements,
    customers: &HashSet<CustomerId>,
    now: Timestamp,
    report: &mut Report,
) {
    if order.origin.is_some_and(|origin| origin.stock == StockUse::None) {
        judge_history(order, movements, report);
    } else {
        judge_quantities(order, movements, report);
        judge_decision(order, movements, report);
        judge_edits(order, movements, report);
    }
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

/// A2 and A3 for an order that came without touching stock: nothing was ever reserved for it or moved by it, whatever
/// has become of it since.
fn judge_history(order: &OrderDocument, movements: &OrderMovements, report: &mut Report) {
    report.checked(Invariant::A2);
    if order.lines.is_empty() || !order.lines.iter().all(is_possible) {
        report.broken(Invariant::A2, order.id, "has lines with impossible quantities");
    }
    if !order.effects.is_empty() || order.pruned_effects > 0 || !movements.effects.is_empty() {
        report.broken(Invariant::A2, order.id, "came without touching stock and has effects on it");
    }
    report.checked(Invariant::A3);
    if movements.decision.is_some() || !movements.more.is_empty() || order.edit.is_some() {
        report.broken(Invariant::A3, order.id, "came without touching stock and has a reservation");
    }
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Rejected) {
        report.broken(Invariant::A3, order.id, "needs no stock and is not confirmed");
    }
}

/// A2: the quantities on the lines are possible, every effect is what the ledger has, and the sums of all movements
/// are what the order holds reserved, shipped and took back.
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
    let listed: HashSet<_> = order.effects.iter().map(|effect| effect.id).collect();
    let unlisted: Vec<_> =
        movements.effects.iter().filter(|movement| !listed.contains(&movement.id)).collect();
    if u32::try_from(unlisted.len()) != Ok(order.pruned_effects) {
        let first =
            unlisted.first().map_or_else(String::new, |movement| format!(", such as {}", movement.id));
        broken(format!(
            "{} movements are no effects of it{first}, where it says {}",
            unlisted.len(),
            order.pruned_effects
        ));
    }
    compare("reserve", &movements.reserved(), &held(order, movements), &mut broken);
    compare("move on hand", &movements.on_hand(), &moved(order, movements), &mut broken);
}

/// Tells of the first product whose sums differ.
fn compare(
    what: &str,
    ledger: &BTreeMap<ProductId, i128>,
    order: &BTreeMap<ProductId, i128>,
    broken: &mut impl FnMut(String),
) {
    let differs = |product: &&ProductId| ledger.get(product) != order.get(product);
    if let Some(product) = ledger.keys().chain(order.keys()).find(differs) {
        let units = |sums: &BTreeMap<ProductId, i128>| sums.get(product).copied().unwrap_or(0);
        broken(format!(
            "its movements {what} {} of {product}, its lines say {}",
            units(ledger),
            units(order)
        ));
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
        && line.restocked >= 0
        && line.restocked <= line.returned
        && line.shipped_before >= 0
        && line.shipped_before <= line.shipped
}

/// Effects that are due and have no movement yet.
fn undelivered<'a>(
    order: &'a OrderDocument,
    movements: &'a OrderMovements,
) -> impl Iterator<Item = &'a Effect> {
    order
        .effects
        .iter()
        .filter(|effect| effect.state == EffectState::Due)
        .filter(|effect| !movements.effects.iter().any(|movement| movement.id == effect.id))
}

/// Units that the ledger must hold reserved for the order: what is open on its lines, what due effects are still to
/// take off, and what an edit that waits has got. A pending order holds what its reservation got, if it has one.
fn held(order: &OrderDocument, movements: &OrderMovements) -> BTreeMap<ProductId, i128> {
    let is_reserved = match order.status {
        OrderStatus::Pending => matches!(movements.decision, Some(Decision::Reserved { .. })),
        OrderStatus::Rejected => false,
        OrderStatus::Confirmed | OrderStatus::Cancelled | OrderStatus::Completed => true,
    };
    if !is_reserved {
        return BTreeMap::new();
    }
    let due = undelivered(order, movements)
        .filter(|effect| matches!(effect.kind, MovementKind::Release | MovementKind::Shipment))
        .flat_map(|effect| &effect.lines);
    let got = order.edit.iter().filter(|edit| movements.more.iter().any(|more| more.id == edit.id));
    let lines = due.chain(got.flat_map(|edit| &edit.more));
    sum_by_product(open(order).chain(lines.map(|line| (line.product_id, line.quantity))))
}

/// Units that are neither cancelled nor shipped.
fn open(order: &OrderDocument) -> impl Iterator<Item = (ProductId, i64)> {
    let units = |line: &OrderLine| line.quantity.saturating_sub(line.cancelled).saturating_sub(line.shipped);
    order.lines.iter().map(move |line| (line.product_id, units(line)))
}

/// What the ledger must have done for the order to what is on hand: shipped units left, restocked ones came back, but
/// for what is still due.
fn moved(order: &OrderDocument, movements: &OrderMovements) -> BTreeMap<ProductId, i128> {
    let lines = order.lines.iter().map(|line| {
        // What had left before the order came here was no stock of ours, and comes back first.
        let back = line.restocked.saturating_sub(line.shipped_before).max(0);
        (line.product_id, back.saturating_sub(line.shipped.saturating_sub(line.shipped_before)))
    });
    let due = undelivered(order, movements).flat_map(|effect| {
        let sign = match effect.kind {
            MovementKind::Shipment => 1,
            MovementKind::Return => -1,
            _ => 0,
        };
        effect.lines.iter().map(move |line| (line.product_id, line.quantity.saturating_mul(sign)))
    });
    sum_by_product(lines.chain(due))
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

/// A3: the order says what its reservation decided. Until it is edited its lines are those of its reservation; after
/// that each line is a copy of something that was reserved for it, and A2 counts the units.
fn judge_decision(order: &OrderDocument, movements: &OrderMovements, report: &mut Report) {
    report.checked(Invariant::A3);
    let problem = match (order.status, &movements.decision) {
        (OrderStatus::Rejected, Some(Decision::Reserved { .. })) => "is rejected and holds a reservation",
        (
            OrderStatus::Confirmed | OrderStatus::Completed | OrderStatus::Cancelled,
            None | Some(Decision::Refused),
        ) => "is confirmed without a reservation",
        (OrderStatus::Pending, Some(Decision::Reserved { bought, .. })) => {
            let asked = sum_by_product(open(order));
            let got = sum_by_product(bought.iter().map(|item| (item.product, item.quantity)));
            if asked == got {
                return;
            }
            "has a reservation of other lines"
        }
        (_, Some(Decision::Reserved { currency, bought })) => {
            // What came from elsewhere was bought there, at names and prices of that moment: A2 counts its units.
            if order.origin.is_some() {
                let ours: HashSet<ProductId> = order.lines.iter().map(|line| line.product_id).collect();
                if bought.iter().all(|item| ours.contains(&item.product)) || !order.edits.is_empty() {
                    return;
                }
                return report.broken(Invariant::A3, order.id, "has a reservation of other products");
            }
            let is_equal = if order.edits.is_empty() {
                is_as_bought(order, bought)
            } else {
                is_copied(order, movements)
            };
            if is_equal && order.currency == *currency {
                return;
            }
            "has other lines, names, prices or another currency than its reservation"
        }
        (OrderStatus::Pending | OrderStatus::Rejected, _) => return,
    };
    report.broken(Invariant::A3, order.id, problem);
}

/// The lines are exactly what was reserved.
fn is_as_bought(order: &OrderDocument, bought: &[Bought]) -> bool {
    let mut ours: Vec<_> =
        order.lines.iter().map(|line| Some((line.product_id, line.quantity, copy_of_line(line)?))).collect();
    let mut theirs: Vec<_> =
        bought.iter().map(|item| Some((item.product, item.quantity, item.copy))).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    ours == theirs
}

/// Every line has the sku, name and price of one of the order's reservations.
fn is_copied(order: &OrderDocument, movements: &OrderMovements) -> bool {
    let copies: HashSet<_> = movements.bought().map(|item| (item.product, item.copy)).collect();
    order
        .lines
        .iter()
        .all(|line| copy_of_line(line).is_some_and(|copy| copies.contains(&(line.product_id, copy))))
}

/// Sku, name and price of a line; nothing where it lacks one.
fn copy_of_line(line: &OrderLine) -> Option<u64> {
    Some(copy_of(line.sku.as_deref()?, line.name.as_deref()?, line.unit_price_minor?))
}

/// A3: what was reserved beyond the order itself was reserved for an edit of it.
fn judge_edits(order: &OrderDocument, movements: &OrderMovements, report: &mut Report) {
    report.checked(Invariant::A3);
    for more in &movements.more {
        let waiting = order.edit.as_ref().filter(|edit| edit.id == more.id);
        if let Some(edit) = waiting {
            let asked = sum_by_product(edit.more.iter().map(|line| (line.product_id, line.quantity)));
            let got = sum_by_product(more.bought.iter().map(|item| (item.product, item.quantity)));
            if asked != got {
                report.broken(Invariant::A3, order.id, format!("its edit {} has other lines", more.id));
            }
        } else if !order.edits.contains(&more.id) {
            report.broken(Invariant::A3, order.id, format!("the reservation {} is no edit of it", more.id));
        }
    }
}

/// A4: nothing waits for longer than a sweep takes.
fn judge_waiting(order: &OrderDocument, now: Timestamp, report: &mut Report) {
    report.checked(Invariant::A4);
    let is_old = |at: Timestamp| now.as_millis().saturating_sub(at.as_millis()) > PATIENCE_MS;
    if order.status == OrderStatus::Pending && is_old(order.created_at) {
        report.broken(Invariant::A4, order.id, format!("pending since {}", order.created_at));
    }
    if let Some(edit) = order.edit.as_ref().filter(|edit| is_old(edit.at)) {
        report.broken(Invariant::A4, order.id, format!("edit {} waits since {}", edit.id, edit.at));
    }
    for effect in &order.effects {
        if effect.state == EffectState::Due && is_old(effect.at) {
            report.broken(Invariant::A4, order.id, format!("effect {} due since {}", effect.id, effect.at));
        }
    }
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
