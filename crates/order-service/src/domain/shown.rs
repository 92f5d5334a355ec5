//! An order as clients see it, and as events tell of it.

use super::moves::Hand;
use super::order::{Line, Order};
use common::models::order as model;
use common::models::order_change::OrderHold;
use common::models::order_label::Metadata;
use common::money::{Currency, Money};

/// Notes, tags and what staff say when they hold an order are staff's.
pub fn order(order: &Order, hand: Hand) -> model::Order {
    let for_staff = hand == Hand::Staff;
    let only = match order.lines.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    model::Order {
        id: order.id,
        customer_id: order.customer_id,
        product_id: only.map(|line| line.product_id),
        quantity: only.map(|line| line.quantity),
        status: order.status,
        fulfillment_status: order.fulfillment_status,
        lines: order.lines.iter().map(|stored| line(stored, order.currency)).collect(),
        currency: order.currency,
        total: order.currency.and_then(|currency| Some(money(order.total_minor?)?.to_amount(currency))),
        rejections: order.rejections.clone(),
        shipping_address: order.shipping_address.as_deref().cloned(),
        billing_address: order.billing_address.as_deref().cloned(),
        note: order.note.clone(),
        external_id: order.external_id.clone(),
        metadata: order.metadata.clone(),
        fulfillments: order.fulfillments.clone(),
        returns: order.returns.clone(),
        hold: order.hold.clone().map(|hold| OrderHold { note: hold.note.filter(|_| for_staff), ..hold }),
        edit_pending: order.edit.is_some(),
        tags: if for_staff { order.tags.clone() } else { Vec::new() },
        notes: if for_staff { order.notes.clone() } else { Vec::new() },
        version: order.version,
        created_at: order.created_at,
        updated_at: order.updated_at,
    }
}

fn line(line: &Line, currency: Option<Currency>) -> model::OrderLine {
    model::OrderLine {
        product_id: line.product_id,
        quantity: line.quantity,
        cancelled: line.cancelled,
        shipped: line.shipped,
        delivered: line.delivered,
        returned: line.returned,
        restocked: line.restocked,
        sku: line.sku.clone(),
        name: line.name.clone(),
        unit_price: currency.and_then(|currency| Some(money(line.unit_price_minor?)?.to_amount(currency))),
        total: currency.and_then(|currency| Some(line.total()?.to_amount(currency))),
    }
}

/// What was stored went through the same check when it was written.
fn money(minor: i64) -> Option<Money> {
    Money::from_minor(minor).ok()
}

/// The order without anything that an erasure takes out of it: what is told of it stays told.
pub fn impersonal(stored: &Order) -> model::Order {
    let mut shown = order(stored, Hand::Staff);
    shown.shipping_address = None;
    shown.billing_address = None;
    shown.note = None;
    shown.notes = Vec::new();
    shown.metadata = Metadata::default();
    if let Some(hold) = &mut shown.hold {
        hold.note = None;
    }
    for line in shown.returns.iter_mut().flat_map(|asked| &mut asked.lines) {
        line.reason = None;
    }
    shown
}
