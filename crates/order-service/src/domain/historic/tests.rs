//! Rows as orders, and what becomes of such orders afterwards.

use super::*;
use crate::domain::moves::{Cause, Event, Hand, MoveError, apply};
use crate::domain::order::{EffectKind, Order};
use common::models::fulfillment::NewFulfillment;
use common::models::ledger::ReservedItem;
use common::models::order_change::EditedLine;
use common::models::order_return::{NewReturnLine, ReceivedLine};
use common::money::Currency;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn row(lines: Value) -> Value {
    json!({
        "externalId": "old-1", "customerId": CustomerId::from_uuid(OrderId::new().uuid()),
        "createdAt": "2024-05-01T10:00:00Z", "currency": "EUR", "lines": lines,
    })
}

fn line(more: Value) -> Value {
    let mut line = json!({ "sku": format!("S-{}", ProductId::new()), "unitPrice": 2.5, "quantity": 4 });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

fn with(mut row: Value, more: Value) -> Value {
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

fn parse(row: &Value, stock: StockUse) -> Result<Historic, Broken> {
    let row: ImportedOrder = serde_json::from_value(row.clone()).unwrap();
    check(&row, NOW)?;
    let found = |line: &ImportedLine| ProductFound {
        id: line
            .product_id
            .unwrap_or_else(|| ProductId::derived(&[line.sku.as_ref().unwrap().as_str().as_bytes()])),
        sku: line.sku.clone().unwrap_or_else(|| "S-1".parse().unwrap()),
        name: "A thing".into(),
    };
    let named = Named { customer_id: CustomerId::new(), products: row.lines.iter().map(found).collect() };
    Historic::parse(row, named, stock)
}

fn order(row: &Value, stock: StockUse) -> Order {
    let historic = parse(row, stock).unwrap();
    historic.order(historic.order_id(0), "someone", NOW)
}

fn refused(row: &Value) -> String {
    parse(row, StockUse::None).unwrap_err().0
}

#[test]
fn the_state_of_an_order_is_what_its_lines_count() {
    use FulfillmentStatus::{Delivered, Fulfilled, PartiallyFulfilled, Unfulfilled};
    use OrderStatus::{Cancelled, Completed, Confirmed};
    for (counts, status, fulfillment) in [
        (json!({}), Confirmed, Unfulfilled),
        (json!({ "shipped": 1 }), Confirmed, PartiallyFulfilled),
        (json!({ "shipped": 3, "cancelled": 1 }), Confirmed, Fulfilled),
        (json!({ "shipped": 4, "delivered": 4, "returned": 2 }), Completed, Delivered),
        (json!({ "cancelled": 4 }), Cancelled, Unfulfilled),
    ] {
        let made = order(&row(json!([line(counts.clone())])), StockUse::None);
        assert_eq!((made.status, made.fulfillment_status), (status, fulfillment), "{counts}");
        let kept = i64::from(made.lines[0].kept());
        assert_eq!(made.total_minor, Some(kept * 250));
        assert_eq!(made.created_at.to_string(), "2024-05-01T10:00:00.000Z");
        assert!(made.effects.is_empty() && !made.touches_stock());
        let packed: u32 =
            made.fulfillments.iter().flat_map(|parcel| &parcel.lines).map(|line| line.quantity.get()).sum();
        assert_eq!(packed, made.lines[0].shipped);
    }
}

#[test]
fn a_row_that_counts_nothing_is_as_its_status_says() {
    let plain = row(json!([line(json!({})), line(json!({}))]));
    let completed = order(&with(plain.clone(), json!({ "status": "completed" })), StockUse::None);
    assert_eq!(completed.status, OrderStatus::Completed);
    assert!(completed.lines.iter().all(|line| line.delivered == 4));
    let cancelled = order(&with(plain.clone(), json!({ "status": "cancelled" })), StockUse::None);
    assert_eq!((cancelled.status, cancelled.total_minor), (OrderStatus::Cancelled, Some(0)));
    assert_eq!(order(&with(plain, json!({ "status": "confirmed" })), StockUse::None).lines[0].open(), 4);
}

#[test]
fn every_broken_rule_is_named_by_its_field() {
    let good = row(json!([line(json!({}))]));
    let lines = |more| row(json!([line(more)]));
    let twice = line(json!({}));
    for (bad, field) in [
        (with(good.clone(), json!({ "customerEmail": "a@example.com" })), "customerId"),
        (row(json!([])), "lines"),
        (lines(json!({ "productId": ProductId::new() })), "lines/0/productId"),
        (lines(json!({ "shipped": 3, "cancelled": 2 })), "lines/0/shipped"),
        (lines(json!({ "shipped": u32::MAX, "cancelled": 2 })), "lines/0/shipped"),
        (lines(json!({ "delivered": 1 })), "lines/0/delivered"),
        (lines(json!({ "shipped": 2, "delivered": 1, "returned": 2 })), "lines/0/returned"),
        (lines(json!({ "unitPrice": 1.999 })), "lines/0/unitPrice"),
        (lines(json!({ "unitPrice": 999_999_999_999.0 , "quantity": 1_000_000 })), "lines"),
        (row(json!([twice, twice])), "lines/1/productId"),
        (with(good.clone(), json!({ "status": "pending" })), "status"),
        (with(lines(json!({ "shipped": 1 })), json!({ "status": "completed" })), "status"),
        (with(good.clone(), json!({ "createdAt": "2031-01-01T00:00:00Z" })), "createdAt"),
        (with(good.clone(), json!({ "shippedAt": "2024-04-30T00:00:00Z" })), "shippedAt"),
        (with(good.clone(), json!({ "tags": vec!["a"; MAX_TAGS + 1] })), "tags"),
    ] {
        assert_eq!(refused(&bad), field, "{bad}");
    }
    assert!(parse(&good, StockUse::None).is_ok());
}

#[test]
fn a_row_is_the_same_order_for_ever_and_another_content_is_told_from_it() {
    let plain = row(json!([line(json!({}))]));
    let (first, again) = (parse(&plain, StockUse::None).unwrap(), parse(&plain, StockUse::None).unwrap());
    assert_eq!((first.order_id(0), first.fingerprint()), (again.order_id(0), again.fingerprint()));
    assert_ne!(first.order_id(0), first.order_id(1));
    let other = parse(&with(plain.clone(), json!({ "note": "hello" })), StockUse::None).unwrap();
    assert_eq!(first.order_id(0), other.order_id(0));
    assert_ne!(first.fingerprint(), other.fingerprint());
    assert_ne!(first.fingerprint(), parse(&plain, StockUse::Reserve).unwrap().fingerprint());
}

fn go(order: &Order, event: Event) -> Result<Order, MoveError> {
    apply(order, event, &Cause::new("someone", Hand::Staff, NOW))
}

fn units(order: &Order, quantity: u32) -> Vec<RequestedLine> {
    vec![RequestedLine { product_id: order.lines[0].product_id, quantity: quantity.try_into().unwrap() }]
}

/// Asks for units back, and puts them all on the shelf.
fn take_back(order: &Order, quantity: u32) -> Order {
    let product_id = order.lines[0].product_id;
    let asked = vec![NewReturnLine { product_id, quantity: quantity.try_into().unwrap(), reason: None }];
    let order = go(order, Event::RequestReturn { lines: asked }).unwrap();
    let id = order.returns.last().unwrap().id;
    let order = go(&order, Event::ApproveReturn { id }).unwrap();
    let lines = vec![ReceivedLine { product_id, restock: quantity, write_off: 0 }];
    go(&order, Event::ReceiveReturn { id, lines, location_id: None }).unwrap()
}

#[test]
fn history_goes_on_without_ever_touching_stock() {
    let made = order(&row(json!([line(json!({ "shipped": 1 }))])), StockUse::None);
    let parcel = made.fulfillments[0].id;
    let moved = go(&made, Event::Deliver { id: parcel }).unwrap();
    let moved = go(&moved, Event::Cancel { lines: Some(units(&moved, 1)) }).unwrap();
    let moved = go(&moved, Event::Ship(NewFulfillment::default())).unwrap();
    assert_eq!(moved.lines[0].shipped, 3);
    let moved = go(&moved, Event::Deliver { id: moved.fulfillments[1].id }).unwrap();
    assert_eq!(moved.status, OrderStatus::Completed);
    let moved = take_back(&moved, 2);
    assert_eq!((moved.lines[0].returned, moved.lines[0].restocked), (2, 2));
    assert!(moved.effects.is_empty() && moved.pruned_effects == 0);
    let fresh = order(&row(json!([line(json!({}))])), StockUse::None);
    let lines = vec![EditedLine { product_id: fresh.lines[0].product_id, quantity: 2 }];
    assert!(matches!(go(&fresh, Event::Edit { lines }), Err(MoveError::Illegal { .. })));
}

#[test]
fn an_order_with_stock_reserves_what_is_open_and_keeps_its_own_prices_and_date() {
    let pending = order(
        &row(json!([line(json!({ "shipped": 2 })), line(json!({ "cancelled": 4 }))])),
        StockUse::Reserve,
    );
    assert_eq!((pending.status, pending.created_at, pending.total_minor), (OrderStatus::Pending, NOW, None));
    let asked = pending.requested_lines();
    assert_eq!(asked, units(&pending, 2));
    let item = ReservedItem {
        product_id: asked[0].product_id,
        quantity: 2,
        sku: "NEW".parse().unwrap(),
        name: "Another name".into(),
        unit_price_minor: 999,
    };
    let reserved = Event::Reserved { currency: Currency::EUR, items: vec![item] };
    let made = go(&pending, reserved).unwrap();
    assert_eq!((made.status, made.total_minor), (OrderStatus::Confirmed, Some(1000)));
    assert_eq!(made.lines[0].name.as_deref(), Some("A thing"));
    assert_eq!(made.created_at.to_string(), "2024-05-01T10:00:00.000Z");
    // What is shipped here is an effect; what comes back counts first for what had left before.
    let moved = go(&made, Event::Ship(NewFulfillment::default())).unwrap();
    assert_eq!(
        (moved.effects[0].kind, moved.effects[0].lines.clone()),
        (EffectKind::Shipment, units(&made, 2))
    );
    let moved = go(&moved, Event::Deliver { id: moved.fulfillments[0].id }).unwrap();
    let moved = go(&moved, Event::Deliver { id: moved.fulfillments[1].id }).unwrap();
    let moved = take_back(&moved, 1);
    assert_eq!(moved.effects.len(), 1);
    let moved = take_back(&moved, 3);
    assert_eq!(
        (moved.effects[1].kind, moved.effects[1].lines.clone()),
        (EffectKind::Return, units(&made, 2))
    );
}

#[test]
fn an_order_of_which_nothing_is_open_is_history_whatever_is_asked() {
    let made = order(&row(json!([line(json!({ "shipped": 4 }))])), StockUse::Reserve);
    assert_eq!(made.status, OrderStatus::Confirmed);
    assert!(!made.touches_stock());
}
