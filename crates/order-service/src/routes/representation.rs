//! An order as clients see it.

use crate::domain::order::{Change, Line, Order};
use common::models::order as model;
use common::money::{Currency, Money};

pub fn order(order: &Order) -> model::Order {
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

pub fn history(change: &Change) -> model::HistoryEntry {
    model::HistoryEntry {
        at: change.at,
        actor: change.actor.clone(),
        event: change.event,
        note: change.note.clone(),
    }
}
