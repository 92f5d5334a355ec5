//! An order as clients see it.

use crate::domain::moves::Hand;
use crate::domain::moves::obstacle::{moves_of, obstacle};
use crate::domain::order::{Change, Line, Order};
use common::auth::caller::Caller;
use common::ids::{CustomerId, ProductId};
use common::models::auth::Scope;
use common::models::order::{self as model, RequestedLine};
use common::models::order_change::{MoveAnswer, OrderHold, OrderWhy};
use common::models::order_import::OrderOrigin;
use common::models::quote::{OrderQuote, QuotedLine, QuotedOffer, StockQuote};
use common::money::{Currency, Money};
use std::collections::HashMap;

/// Whose eyes read: whoever may read everyone's orders is staff, and anyone else reads their own.
pub fn hand(caller: &Caller) -> Hand {
    if caller.holds(Scope::OrdersRead) || caller.holds(Scope::OrdersWrite) {
        Hand::Staff
    } else {
        Hand::Customer
    }
}

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
        origin: order.origin.map(|origin| OrderOrigin { kind: origin.kind, stock: origin.stock }),
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

pub fn history(change: &Change, hand: Hand) -> model::HistoryEntry {
    let is_for_staff = matches!(change.event, model::OrderEvent::Held | model::OrderEvent::Released);
    model::HistoryEntry {
        at: change.at,
        actor: change.actor.clone(),
        event: change.event,
        note: change.note.clone().filter(|_| hand == Hand::Staff || !is_for_staff),
        fulfillment_id: change.fulfillment_id,
        return_id: change.return_id,
        rejections: change.rejections.clone(),
    }
}

/// What an order would come to.
pub fn quote(customer_id: CustomerId, lines: &[RequestedLine], quote: StockQuote) -> OrderQuote {
    let offers: HashMap<ProductId, QuotedOffer> =
        quote.offers.into_iter().map(|offer| (offer.product_id, offer)).collect();
    let mut currencies: Vec<Currency> = Vec::new();
    let mut sum = Some(Money::ZERO);
    let mut quoted = Vec::with_capacity(lines.len());
    for line in lines {
        let quantity = line.quantity.get();
        let offer = offers.get(&line.product_id);
        let price = offer.and_then(|offer| money(offer.unit_price_minor));
        let total = price.and_then(|price| price.checked_mul(quantity));
        sum = sum.zip(total).and_then(|(sum, total)| sum.checked_add(total));
        let currency = offer.map(|offer| offer.currency);
        currencies.extend(currency.filter(|currency| !currencies.contains(currency)));
        let amount = |money: Option<Money>| Some(money?.to_amount(currency?));
        quoted.push(QuotedLine {
            product_id: line.product_id,
            quantity,
            sku: offer.map(|offer| offer.sku.clone()),
            name: offer.map(|offer| offer.name.clone()),
            currency,
            unit_price: amount(price),
            total: amount(total),
        });
    }
    let currency = match currencies.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let is_refused = !quote.reasons.is_empty();
    OrderQuote {
        customer_id,
        status: if is_refused { model::OrderStatus::Rejected } else { model::OrderStatus::Confirmed },
        lines: quoted,
        currency,
        total: sum.zip(currency).map(|(sum, currency)| sum.to_amount(currency)),
        rejections: quote.reasons,
    }
}

/// What may be asked of the order, and what stands in the way of the rest.
pub fn why(order: &Order, hand: Hand) -> OrderWhy {
    let answer = |asked| {
        let because = obstacle(order, asked, hand).map(str::to_owned);
        MoveAnswer { asked, allowed: because.is_none(), because }
    };
    OrderWhy {
        status: order.status,
        fulfillment_status: order.fulfillment_status,
        effects_due: order.effects_due().count(),
        moves: moves_of(hand).map(answer).collect(),
    }
}
