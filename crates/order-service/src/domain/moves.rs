//! The moves of an order: one match over (state, event); a wrong one is always an error that names the right ones.

use super::order::{Change, Effect, EffectKind, EffectState, Fingerprint, Order};
use common::ids::{MovementId, ProductId};
use common::models::ledger::ReservedItem;
use common::models::order::{OrderEvent, OrderStatus, Rejection, RequestedLine};
use common::money::{Currency, Money};
use common::time::Timestamp;
use std::collections::HashMap;

/// What happens to an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Its stock is reserved: names and unit prices of this moment are copied.
    Reserved { currency: Currency, items: Vec<ReservedItem> },
    /// It gets no stock, for ever.
    Refused { reasons: Vec<Rejection> },
    /// Someone cancels it.
    Cancel { reason: Option<String>, request: Option<Fingerprint> },
}

/// What a client may ask of an order, by the name of its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    Cancel,
}

/// Why an event cannot happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    #[error("an order that is {state:?} does not allow this")]
    Illegal { state: OrderStatus, allowed: Vec<Move> },
    /// The reservation is not of this order's lines.
    #[error("the reservation does not match the order: {0}")]
    Mismatch(String),
}

/// The moves that are allowed now.
pub fn allowed_moves(order: &Order) -> Vec<Move> {
    match order.status {
        OrderStatus::Confirmed if order.lines.iter().all(|line| line.shipped == 0) => vec![Move::Cancel],
        _ => Vec::new(),
    }
}

/// Applies an event: the order's next version, with its line of history and the effects it owes.
pub fn apply(order: &Order, event: Event, actor: &str, at: Timestamp) -> Result<Order, MoveError> {
    let mut next = order.clone();
    let (name, note, request) = match (order.status, event) {
        (OrderStatus::Pending, Event::Reserved { currency, items }) => {
            confirm(&mut next, currency, items)?;
            (OrderEvent::Confirmed, None, None)
        }
        (OrderStatus::Pending, Event::Refused { reasons }) => {
            next.status = OrderStatus::Rejected;
            next.rejections = reasons;
            (OrderEvent::Rejected, None, None)
        }
        (OrderStatus::Confirmed, Event::Cancel { reason, request })
            if order.lines.iter().all(|line| line.shipped == 0) =>
        {
            cancel(&mut next, at)?;
            (OrderEvent::Cancelled, reason, request)
        }
        (state, Event::Reserved { .. } | Event::Refused { .. } | Event::Cancel { .. }) => {
            return Err(MoveError::Illegal { state, allowed: allowed_moves(order) });
        }
    };
    next.version += 1;
    next.updated_at = at;
    next.history.push(Change { at, actor: actor.to_owned(), event: name, note, request });
    Ok(next)
}

fn confirm(order: &mut Order, currency: Currency, items: Vec<ReservedItem>) -> Result<(), MoveError> {
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
    order.status = OrderStatus::Confirmed;
    order.currency = Some(currency);
    order.total_minor = Some(total(order)?.minor());
    Ok(())
}

/// The whole order is called off: what it held becomes available again.
fn cancel(order: &mut Order, at: Timestamp) -> Result<(), MoveError> {
    let mut released = Vec::new();
    for line in &mut order.lines {
        if let Ok(quantity) = line.quantity.saturating_sub(line.cancelled).try_into() {
            released.push(RequestedLine { product_id: line.product_id, quantity });
        }
        line.cancelled = line.quantity;
    }
    // The version that the order is about to have makes the identity of the effect its own.
    let version = (order.version + 1).to_be_bytes();
    let id = MovementId::derived(&[b"release", order.id.as_bytes(), &version]);
    order.effects.push(Effect {
        id,
        kind: EffectKind::Release,
        lines: released,
        state: EffectState::Due,
        at,
    });
    order.status = OrderStatus::Cancelled;
    order.total_minor = Some(total(order)?.minor());
    Ok(())
}

/// The sum of the lines.
fn total(order: &Order) -> Result<Money, MoveError> {
    order
        .lines
        .iter()
        .try_fold(Money::ZERO, |sum, line| sum.checked_add(line.total()?))
        .ok_or_else(|| MoveError::Mismatch("the total is larger than this system holds".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::draft::OrderDraft;
    use common::ids::{CustomerId, OrderId};
    use common::models::order::{FulfillmentStatus, NewOrder, RejectionCode};
    use std::collections::HashMap;

    const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn pending(quantities: &[u32]) -> Order {
        let lines = quantities
            .iter()
            .map(|&units| RequestedLine { product_id: ProductId::new(), quantity: units.try_into().unwrap() })
            .collect();
        let order = NewOrder::of_many(CustomerId::new(), lines);
        OrderDraft::parse(order).unwrap().into_pending(OrderId::new(), "someone".into(), AT, &HashMap::new())
    }

    fn reserved(order: &Order, unit_price_minor: i64) -> Event {
        let items = order.lines.iter().map(|line| ReservedItem {
            product_id: line.product_id,
            quantity: line.quantity,
            sku: "A-1".parse().unwrap(),
            name: "A thing".into(),
            unit_price_minor,
        });
        Event::Reserved { currency: Currency::EUR, items: items.collect() }
    }

    fn refused() -> Event {
        let expired = RejectionCode::Expired;
        Event::Refused {
            reasons: vec![Rejection { product_id: None, code: expired, requested: None, available: None }],
        }
    }

    fn cancelled() -> Event {
        Event::Cancel { reason: Some("too late".into()), request: None }
    }

    #[test]
    fn a_confirmed_order_copies_names_and_prices_and_adds_up() {
        let order = pending(&[2, 3]);
        let confirmed = apply(&order, reserved(&order, 150), "order-service", AT).unwrap();
        assert_eq!(confirmed.status, OrderStatus::Confirmed);
        assert_eq!(confirmed.fulfillment_status, FulfillmentStatus::Unfulfilled);
        assert_eq!((confirmed.total_minor, confirmed.version), (Some(750), 2));
        assert_eq!(confirmed.lines[1].name.as_deref(), Some("A thing"));
        assert_eq!(confirmed.history.last().unwrap().event, OrderEvent::Confirmed);
    }

    #[test]
    fn a_cancelled_order_owes_the_release_of_all_it_held_under_an_identity_of_its_own() {
        let order = pending(&[2, 3]);
        let confirmed = apply(&order, reserved(&order, 150), "order-service", AT).unwrap();
        let cancelled = apply(&confirmed, cancelled(), "someone", AT).unwrap();
        assert_eq!((cancelled.status, cancelled.total_minor), (OrderStatus::Cancelled, Some(0)));
        let due: Vec<&Effect> = cancelled.effects_due().collect();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].lines, order.requested_lines());
        assert_ne!(due[0].id, order.id.reservation());
        assert_eq!(cancelled.history.last().unwrap().note.as_deref(), Some("too late"));
    }

    #[test]
    fn every_pair_of_state_and_event_is_allowed_or_refused_with_the_allowed_moves() {
        let order = pending(&[1]);
        let confirmed = apply(&order, reserved(&order, 1), "a", AT).unwrap();
        let rejected = apply(&order, refused(), "a", AT).unwrap();
        let gone = apply(&confirmed, cancelled(), "a", AT).unwrap();
        let shipped = {
            let mut shipped = confirmed.clone();
            shipped.lines[0].shipped = 1;
            shipped
        };
        let completed = Order { status: OrderStatus::Completed, ..shipped.clone() };
        let table = [
            (&order, [true, true, false]),
            (&confirmed, [false, false, true]),
            (&shipped, [false, false, false]),
            (&rejected, [false, false, false]),
            (&gone, [false, false, false]),
            (&completed, [false, false, false]),
        ];
        for (state, expected) in table {
            for (event, allowed) in [reserved(&order, 1), refused(), cancelled()].into_iter().zip(expected) {
                let outcome = apply(state, event.clone(), "a", AT);
                match outcome {
                    Ok(_) => assert!(allowed, "{:?} must refuse {event:?}", state.status),
                    Err(MoveError::Illegal { state: named, allowed: moves }) => {
                        assert!(!allowed, "{:?} must allow {event:?}", state.status);
                        assert_eq!((named, moves), (state.status, allowed_moves(state)));
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn a_reservation_of_other_lines_confirms_nothing() {
        let (order, other) = (pending(&[1, 2]), pending(&[1, 2]));
        assert!(matches!(apply(&order, reserved(&other, 1), "a", AT), Err(MoveError::Mismatch(_))));
        let mut more = order.clone();
        more.lines[0].quantity = 9;
        assert!(matches!(apply(&order, reserved(&more, 1), "a", AT), Err(MoveError::Mismatch(_))));
        let huge = reserved(&order, common::money::MAX_MINOR);
        assert!(matches!(apply(&order, huge, "a", AT), Err(MoveError::Mismatch(_))));
    }
}
