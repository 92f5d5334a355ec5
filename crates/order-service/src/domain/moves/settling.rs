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
    if items.len() != order.lines.len() {
        return Err(MoveError::Mismatch(format!("{} items for {} lines", items.len(), order.lines.len())));
    }
    let mut by_product: HashMap<ProductId, ReservedItem> =
        items.into_iter().map(|item| (item.product_id, item)).collect();
    for line in &mut order.lines {
        let item = by_product
            .remove(&line.product_id)
            .filter(|item| item.quantity == line.quantity)
            .ok_or_else(|| MoveError::Mismatch(format!("product {}", line.product_id)))?;
        line.sku = Some(item.sku);
        line.name = Some(item.name);
        line.unit_price_minor = Some(item.unit_price_minor);
    }
    let sum = total(order);
    let sum =
        sum.ok_or_else(|| MoveError::Mismatch("the total is larger than this system holds".to_owned()))?;
    order.status = OrderStatus::Confirmed;
    order.currency = Some(currency);
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
