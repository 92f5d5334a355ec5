//! The arithmetic on an order's lines, and what follows from it: both statuses, the total, the effects that are owed.

use super::MoveError;
use crate::domain::order::{Effect, EffectKind, EffectState, Line, Order};
use common::ids::{MovementId, ProductId};
use common::models::location::LocationId;
use common::models::order::{FulfillmentStatus, OrderStatus, RequestedLine};
use common::money::Money;
use common::time::Timestamp;
use std::collections::HashMap;

/// Both statuses follow from the quantities; before an order is confirmed there is nothing to derive.
pub(in crate::domain) fn derive_statuses(order: &mut Order) {
    if matches!(order.status, OrderStatus::Pending | OrderStatus::Rejected) {
        return;
    }
    let sum = |units: fn(&Line) -> u32| order.lines.iter().map(|line| u64::from(units(line))).sum::<u64>();
    let (kept, shipped) = (sum(Line::kept), sum(|line| line.shipped));
    let delivered = sum(|line| line.delivered);
    order.status = if kept == 0 {
        OrderStatus::Cancelled
    } else if delivered == kept {
        OrderStatus::Completed
    } else {
        OrderStatus::Confirmed
    };
    order.fulfillment_status = if shipped == 0 {
        FulfillmentStatus::Unfulfilled
    } else if shipped < kept {
        FulfillmentStatus::PartiallyFulfilled
    } else if delivered < kept {
        FulfillmentStatus::Fulfilled
    } else {
        FulfillmentStatus::Delivered
    };
}

/// The sum of the lines.
pub(in crate::domain) fn total(order: &Order) -> Option<Money> {
    order.lines.iter().try_fold(Money::ZERO, |sum, line| sum.checked_add(line.total()?))
}

/// Brings the total up to date after lines shrank: a sum of less is never too large.
pub(super) fn total_again(order: &mut Order) -> Result<(), MoveError> {
    let sum = total(order).ok_or_else(|| MoveError::Mismatch("its lines do not add up".to_owned()))?;
    order.total_minor = Some(sum.minor());
    Ok(())
}

/// Where each product stands among the lines.
pub(super) fn places(order: &Order) -> HashMap<ProductId, usize> {
    order.lines.iter().enumerate().map(|(place, line)| (line.product_id, place)).collect()
}

/// Refuses no lines, and a product that stands twice.
pub(super) fn check_distinct(products: impl ExactSizeIterator<Item = ProductId>) -> Result<(), MoveError> {
    if products.len() == 0 {
        return Err(MoveError::NoLines);
    }
    let mut seen = std::collections::HashSet::with_capacity(products.len());
    for (line, product) in products.enumerate() {
        if !seen.insert(product) {
            return Err(MoveError::DuplicateProduct { line });
        }
    }
    Ok(())
}

/// Takes the units of `wanted` from what `open` says is there, and hands each to `take`. Nothing is changed where one
/// of them is refused: the caller works on a copy.
pub(super) fn take(
    order: &mut Order,
    wanted: &[RequestedLine],
    open: fn(&Line) -> u32,
    take: fn(&mut Line, u32),
) -> Result<(), MoveError> {
    check_distinct(wanted.iter().map(|line| line.product_id))?;
    let places = places(order);
    for (line, asked) in wanted.iter().enumerate() {
        let place = places.get(&asked.product_id).copied();
        let found = place.and_then(|place| order.lines.get_mut(place));
        let found = found.ok_or(MoveError::UnknownProduct { line })?;
        let (units, most) = (asked.quantity.get(), open(found));
        if units > most {
            return Err(MoveError::TooMany { line, most });
        }
        take(found, units);
    }
    Ok(())
}

/// Everything that is neither cancelled nor shipped.
pub(super) fn open_lines(order: &Order) -> Vec<RequestedLine> {
    let open = |line: &Line| {
        let quantity = line.open().try_into().ok()?;
        Some(RequestedLine { product_id: line.product_id, quantity })
    };
    order.lines.iter().filter_map(open).collect()
}

/// The identity of what the order's next version owes or makes: the version makes it this order's only one of its kind.
pub(super) fn next_id<Kind>(order: &Order, kind: &[u8]) -> common::ids::Id<Kind> {
    common::ids::Id::derived(&[kind, order.id.as_bytes(), &(order.version + 1).to_be_bytes()])
}

/// Adds what the ledger is to be told, unless there is nothing to tell, or the order touches no stock.
pub(super) fn owe(
    order: &mut Order,
    kind: EffectKind,
    lines: Vec<RequestedLine>,
    location_id: Option<LocationId>,
    at: Timestamp,
) {
    if lines.is_empty() || !order.touches_stock() {
        return;
    }
    let name: &[u8] = match kind {
        EffectKind::Release => b"release",
        EffectKind::Shipment => b"shipment",
        EffectKind::Return => b"return",
    };
    let id: MovementId = next_id(order, name);
    order.effects.push(Effect { id, kind, lines, location_id, state: EffectState::Due, at });
}
