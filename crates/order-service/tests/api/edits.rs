use crate::app::{Someone, TestApp, problem};
use common::ids::ProductId;
use common::models::ledger::LedgerEntry;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

async fn edit(staff: &Someone<'_>, order: &Value, lines: &[(ProductId, u32)], key: Option<&str>) -> Response {
    let line = |(product, quantity): &(ProductId, u32)| json!({ "productId": product, "quantity": quantity });
    let lines: Vec<Value> = lines.iter().map(line).collect();
    staff.go_with(order, "edits", json!({ "lines": lines }), key).await
}

fn reserved(app: &TestApp) -> usize {
    app.ledger.entries().iter().filter(|entry| matches!(entry, LedgerEntry::Reserve { .. })).count()
}

#[tokio::test]
async fn an_edit_adds_changes_and_removes_lines_in_one_change() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let [a, b, c] = [ProductId::new(), ProductId::new(), ProductId::new()];
    let body = json!({ "customerId": customer.id, "lines": [
        { "productId": a, "quantity": 2 }, { "productId": b, "quantity": 3 },
    ] });
    let order: Value = customer.place(&body, None).await.json().await.unwrap();
    let edited = edit(&staff, &order, &[(a, 4), (b, 0), (c, 1)], None).await;
    assert_eq!(edited.status(), StatusCode::OK);
    let edited: Value = edited.json().await.unwrap();
    let lines: Vec<_> = edited["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["productId"], &line["quantity"]))
        .collect();
    assert_eq!(lines, [(&json!(a), &json!(4)), (&json!(c), &json!(1))]);
    assert_eq!((&edited["total"], edited.get("editPending")), (&json!(62.5), None));
    app.sweep().await;
    let entries = app.ledger.entries();
    let more = entries.iter().filter(|entry| matches!(entry, LedgerEntry::Reserve { .. })).nth(1).unwrap();
    assert_ne!(more.movement_id(), more.order_id().reservation());
    assert_eq!(more.lines().iter().map(|line| line.quantity.get()).collect::<Vec<_>>(), [2, 1]);
    let less = entries.iter().find(|entry| matches!(entry, LedgerEntry::Release { .. })).unwrap();
    assert_eq!(
        less.lines().iter().map(|line| (line.product_id, line.quantity.get())).collect::<Vec<_>>(),
        [(b, 3)]
    );
}

#[tokio::test]
async fn an_edit_without_stock_leaves_the_order_as_it_is_and_a_repeat_hears_the_same() {
    let app = TestApp::start().await;
    let (customer, staff, product, rare) = (app.customer(), app.staff(), ProductId::new(), ProductId::new());
    let order = customer.placed(product, 2).await;
    app.ledger.sold_out.lock().unwrap().push(rare);
    for replayed in [false, true] {
        let refused = edit(&staff, &order, &[(product, 1), (rare, 1)], Some("k")).await;
        assert_eq!(refused.headers().contains_key("idempotency-replayed"), replayed);
        assert_eq!(problem(refused).await, (409, "out_of_stock".into()));
    }
    let after = staff.get_order(&order["id"]).await;
    assert_eq!((&after["lines"], &after["total"]), (&order["lines"], &order["total"]));
    assert_eq!(reserved(&app), 2);
    let reused = edit(&staff, &order, &[(product, 1)], Some("k")).await;
    assert_eq!(problem(reused).await, (422, "idempotency_key_reused".into()));
}

/// An edit whose coordinator could not reach the ledger, or lost its answer.
async fn abandoned(app: &TestApp, losing: bool) -> (Value, ProductId) {
    let (customer, product) = (app.customer(), ProductId::new());
    let order = customer.placed(product, 2).await;
    let calls = if losing { &app.ledger.losing } else { &app.ledger.failing };
    *calls.lock().unwrap() = 3;
    let failed = edit(&app.staff(), &order, &[(product, 5)], None).await;
    assert_eq!(problem(failed).await, (503, "edit_unsettled".into()));
    assert_eq!(customer.get_order(&order["id"]).await["editPending"], true);
    (order, product)
}

#[tokio::test]
async fn an_abandoned_edit_that_nobody_reserved_is_refused_by_the_sweeper() {
    let app = TestApp::start().await;
    let (order, _) = abandoned(&app, false).await;
    app.sweep().await;
    let after = app.staff().get_order(&order["id"]).await;
    assert_eq!((&after["lines"], after.get("editPending")), (&order["lines"], None));
    assert!(matches!(app.ledger.entries().last(), Some(LedgerEntry::Refuse { .. })));
}

#[tokio::test]
async fn an_abandoned_edit_that_was_reserved_is_made_by_the_sweeper() {
    let app = TestApp::start().await;
    let (order, _) = abandoned(&app, true).await;
    app.sweep().await;
    assert_eq!(app.staff().get_order(&order["id"]).await["quantity"], 5);
}

#[tokio::test]
async fn a_repeat_with_its_key_carries_an_edit_on() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = customer.placed(product, 2).await;
    *app.ledger.losing.lock().unwrap() = 3;
    assert_eq!(
        edit(&staff, &order, &[(product, 5)], Some("k")).await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let other = edit(&staff, &order, &[(product, 6)], Some("k")).await;
    assert_eq!(problem(other).await, (422, "idempotency_key_reused".into()));
    let again = edit(&staff, &order, &[(product, 5)], Some("k")).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap()["quantity"], 5);
    assert_eq!(app.ledger.recorded.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn whoever_meets_an_abandoned_edit_settles_it_and_goes_on() {
    let app = TestApp::start().await;
    let (order, _) = abandoned(&app, true).await;
    let shipped = app.staff().went(&order, "fulfillments", json!({})).await;
    assert_eq!((&shipped["lines"][0]["quantity"], &shipped["lines"][0]["shipped"]), (&json!(5), &json!(5)));
    let events = app.staff().get(&format!("/orders/{}/history", order["id"].as_str().unwrap())).await;
    let events: Value = events.json().await.unwrap();
    let events: Vec<_> = events.as_array().unwrap().iter().map(|change| &change["event"]).collect();
    assert_eq!(events, ["placed", "confirmed", "edit_requested", "edited", "shipped"]);
}

#[tokio::test]
async fn ten_edits_at_once_are_made_one_after_the_other() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = customer.placed(product, 1).await;
    let edits = (2..12).map(|quantity| {
        let (staff, order) = (&staff, &order);
        async move { edit(staff, order, &[(product, quantity)], None).await.status().as_u16() }
    });
    let statuses = futures_util::future::join_all(edits).await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    app.sweep().await;
    let order = staff.get_order(&order["id"]).await;
    assert_eq!(order.get("editPending"), None);
    // What the ledger holds for the order is what stands on its line.
    let mut once = std::collections::HashSet::new();
    let sum: i64 = app
        .ledger
        .entries()
        .iter()
        .filter(|entry| once.insert(entry.movement_id()))
        .flat_map(|entry| {
            let sign = if matches!(entry, LedgerEntry::Release { .. }) { -1 } else { 1 };
            entry.lines().iter().map(move |line| sign * i64::from(line.quantity.get())).collect::<Vec<_>>()
        })
        .sum();
    assert_eq!(json!(sum), order["quantity"]);
}

#[tokio::test]
async fn an_edit_that_makes_no_sense_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = customer.placed(product, 2).await;
    for (lines, code) in [
        (vec![], "/lines"),
        (vec![(product, 1), (product, 2)], "/lines/1/productId"),
        (vec![(ProductId::new(), 0)], "/lines/0/productId"),
        (vec![(product, 0)], "/lines"),
        (vec![(product, 1_000_001)], "/lines/0/quantity"),
    ] {
        let refused: Value = edit(&staff, &order, &lines, None).await.json().await.unwrap();
        assert_eq!(refused["errors"][0]["pointer"], code, "{refused}");
    }
    let same = edit(&staff, &order, &[(product, 2)], None).await;
    assert_eq!(problem(same).await, (409, "nothing_to_change".into()));
    // A line has a million units at most, and those that are cancelled count.
    let one = json!({ "lines": [{ "productId": product, "quantity": 1 }] });
    staff.went(&order, "cancel", one).await;
    let huge = edit(&staff, &order, &[(product, 1_000_000)], None).await;
    assert_eq!(problem(huge).await, (409, "too_many_units".into()));
    staff.went(&order, "fulfillments", json!({})).await;
    let late = edit(&staff, &order, &[(product, 1)], None).await;
    assert_eq!(problem(late).await, (409, "illegal_transition".into()));
}
