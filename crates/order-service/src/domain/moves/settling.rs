//! Placing ends: the order learns what its reservation decided.

use super::MoveError;
use super::quantities::total;
use crate::domain::order::Order;
use common::ids::ProductId;
use common::models::ledger::ReservedItem;
use common::models::order::{OrderEvent, OrderStatus, Rejection};
use common::money::Currency;
use std::collections::HashMap;

/// The units are the order's, at the names and prices of this moment.
pub(super) fn confirm(
    order: &mut Order,
    currency: Currency,
    items: Vec<ReservedItem>,
) -> Result<OrderEvent, MoveError> {
    let open = order.lines.iter().filter(|line| line.open() > 0).count();
    if items.len() != open {
        return Err(MoveError::Mismatch(format!("{} items for {open} lines", items.len())));
    }
    let mut by_product: HashMap<ProductId, ReservedItem> =
        items.into_iter().map(|item| (item.product_id, item)).collect();
    for line in order.lines.iter_mut().filter(|line| line.open() > 0) {
        let item = by_product
            .remove(&line.product_id)
            .filter(|item| item.quantity == line.open())
            .ok_or_else(|| MoveError::Mismatch(format!("product {}", line.product_id)))?;
        // An order that came from elsewhere was bought there, at the names and prices of that moment.
        if order.origin.is_some() {
            continue;
        }
        line.sku = Some(item.sku);
        line.name = Some(item.name);
        line.unit_price_minor = Some(item.unit_price_minor);
    }
    let sum = total(order);
    let sum =
        sum.ok_or_else(|| MoveError::Mismatch("the total is larger than this system holds".to_owned()))?;
    order.status = OrderStatus::Confirmed;
    match &mut order.origin {
        Some(origin) => order.created_at = origin.created_at.take().unwrap_or(order.created_at),
        None => order.currency = Some(currency),
    }
    order.total_minor = Some(sum.minor());
    order.hold_id = None;
    Ok(OrderEvent::Confirmed)
}

/// The order gets no stock, for ever.
pub(super) fn reject(order: &mut Order, reasons: Vec<Rejection>) -> OrderEvent {
    order.status = OrderStatus::Rejected;
    order.rejections = reasons;
    order.hold_id = None;
    OrderEvent::Rejected
}
