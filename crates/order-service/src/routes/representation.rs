//! What clients see beside an order.

use crate::domain::moves::Hand;
use crate::domain::moves::obstacle::{moves_of, obstacle};
use crate::domain::order::{Change, Order};
use common::auth::caller::Caller;
use common::ids::{CustomerId, ProductId};
use common::models::auth::Scope;
use common::models::order::{self as model, RequestedLine};
use common::models::order_change::{MoveAnswer, OrderWhy};
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
        let price = offer.and_then(|offer| Money::from_minor(offer.unit_price_minor).ok());
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
