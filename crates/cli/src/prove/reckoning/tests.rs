//! An order that agrees with what was asked of it, and each way in which it may not.

use super::*;
use crate::prove::wish::MoveWish;
use common::ids::{CustomerId, FulfillmentId, OrderId};
use serde_json::{Value, json};

/// An order of five units, of which two are shipped by `key-1`.
struct Case {
    placed: NewOrder,
    order: Value,
    history: Vec<Value>,
    intents: Vec<Intent>,
}

impl Case {
    fn new() -> Self {
        let (customer, product, parcel) = (CustomerId::new(), ProductId::new(), FulfillmentId::new());
        let at = "2026-01-01T00:00:00.000Z";
        let lines =
            |units: u32| vec![RequestedLine { product_id: product, quantity: units.try_into().unwrap() }];
        let order = json!({
            "id": OrderId::new(), "customerId": customer, "status": "confirmed", "version": 3,
            "fulfillmentStatus": "partially_fulfilled", "createdAt": at, "updatedAt": at,
            "lines": [{ "productId": product, "quantity": 5, "cancelled": 0, "shipped": 2, "delivered": 0, "returned": 0 }],
            "fulfillments": [{ "id": parcel, "lines": lines(2), "trackingNumber": "key-1", "shippedAt": at }],
        });
        let entry = |event: &str| json!({ "at": at, "actor": "staff", "event": event });
        let mut shipped = entry("shipped");
        shipped["fulfillmentId"] = json!(parcel);
        let mut case = Self {
            placed: NewOrder::of_many(customer, lines(5)),
            order,
            history: vec![entry("placed"), entry("confirmed"), shipped],
            intents: Vec::new(),
        };
        case.ask("key-1", Step::Ship { lines: Some(lines(2)), from: None }, None, &[Heard::Moved]);
        case
    }

    fn ask(&mut self, key: &str, step: Step, if_version: Option<i64>, heard: &[Heard]) {
        let order = serde_json::from_value(self.order["id"].clone()).unwrap();
        let intent = Intent::new(key.to_owned(), Wish::Move(MoveWish { order, step, if_version }));
        heard.iter().for_each(|heard| intent.hear(heard.clone()));
        self.intents.push(intent);
    }

    /// One more change.
    fn change(&mut self, event: &str, key: Option<&str>) {
        let mut entry = json!({ "at": "2026-01-01T00:00:00.000Z", "actor": "staff", "event": event });
        if let Some(key) = key {
            entry["note"] = json!(key);
        }
        self.history.push(entry);
        self.order["version"] = json!(self.history.len());
    }

    fn reckon(&self) -> Result<(), String> {
        let asked = self.intents.iter().filter_map(|intent| match &intent.wish {
            Wish::Move(wish) => Some((intent.key.as_str(), (&wish.step, intent))),
            Wish::Order(_) => None,
        });
        let history: Vec<HistoryEntry> =
            self.history.iter().map(|entry| serde_json::from_value(entry.clone()).unwrap()).collect();
        let order: Order = serde_json::from_value(self.order.clone()).unwrap();
        reckon(&self.placed, &order, &history, &asked.collect())
    }

    fn complaint(&self) -> String {
        self.reckon().unwrap_err()
    }
}

#[test]
fn an_order_that_is_what_was_asked_of_it_agrees() {
    let mut case = Case::new();
    case.ask("key-2", Step::Hold, None, &[Heard::NotAllowed]);
    case.ask("key-3", Step::Hold, Some(3), &[Heard::Nothing, Heard::Moved]);
    case.change("held", Some("key-3"));
    case.order["hold"] = json!({ "at": "2026-01-01T00:00:00.000Z", "actor": "staff", "note": "key-3" });
    assert_eq!(case.reckon(), Ok(()));
}

#[test]
fn a_move_that_was_acknowledged_and_is_not_there_is_told_of() {
    let mut case = Case::new();
    case.ask("key-2", Step::Cancel(None), None, &[Heard::Moved]);
    assert!(case.complaint().contains("key-2") && case.complaint().contains("is not there"));
}

#[test]
fn a_move_that_was_refused_and_is_there_is_told_of() {
    let mut case = Case::new();
    case.ask("key-2", Step::Release, None, &[Heard::NotAllowed]);
    case.change("held", Some("key-2"));
    assert!(case.complaint().contains("released became Held"), "{}", case.complaint());
    let mut case = Case::new();
    case.ask("key-2", Step::Hold, None, &[Heard::NotAllowed]);
    case.change("held", Some("key-2"));
    assert!(case.complaint().contains("is there as Held"), "{}", case.complaint());
}

#[test]
fn a_move_that_is_there_twice_or_of_nobody_is_told_of() {
    let mut case = Case::new();
    case.ask("key-2", Step::Hold, None, &[Heard::Moved]);
    case.change("held", Some("key-2"));
    case.change("released", Some("key-2"));
    assert!(case.complaint().contains("twice") || case.complaint().contains("became"));
    let mut case = Case::new();
    case.change("held", Some("key-9"));
    assert!(case.complaint().contains("nobody asked"));
    let mut case = Case::new();
    case.change("held", None);
    assert!(case.complaint().contains("no key"));
}

#[test]
fn other_quantities_than_the_moves_come_to_are_told_of() {
    let mut case = Case::new();
    case.order["lines"][0]["shipped"] = json!(4);
    assert!(case.complaint().contains("after moves that come to"));
    case = Case::new();
    case.order["fulfillments"][0]["lines"][0]["quantity"] = json!(1);
    assert!(case.complaint().contains("the parcel has not"));
}

#[test]
fn a_move_of_another_version_than_it_named_is_told_of() {
    let mut case = Case::new();
    case.ask("key-2", Step::Hold, Some(2), &[Heard::Moved]);
    case.change("held", Some("key-2"));
    assert!(case.complaint().contains("changed version 3"), "{}", case.complaint());
}

#[test]
fn an_edit_that_waited_counts_from_the_version_that_it_was_asked_for() {
    let mut case = Case::new();
    let product_id = case.placed.lines.as_ref().unwrap()[0].product_id;
    let edit = Step::Edit(vec![EditedLine { product_id, quantity: 9 }]);
    case.ask("key-2", edit, Some(3), &[Heard::Nothing, Heard::Refused]);
    case.ask("key-3", Step::Hold, Some(4), &[Heard::Moved]);
    case.change("edit_requested", None);
    case.change("held", Some("key-3"));
    case.change("edit_refused", Some("key-2"));
    case.order["hold"] = json!({ "at": "2026-01-01T00:00:00.000Z", "actor": "staff" });
    assert_eq!(case.reckon(), Ok(()));
    case.intents[1].hear(Heard::Moved);
    assert!(case.complaint().contains("EditRefused"), "{}", case.complaint());
}
