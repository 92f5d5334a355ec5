use crate::app::{TestApp, is_reserved, reserve, send};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::ledger::{LedgerEntry, LedgerOutcome};
use reqwest::Method;
use serde_json::{Value, json};

/// On hand and reserved at each place, in the order in which orders take from them.
async fn places(app: &TestApp, product: ProductId) -> Vec<(String, i64, i64)> {
    let inventory = app.show_inventory(product).await.expect(200).body;
    let place = |place: &Value| {
        let units = |name: &str| place[name].as_i64().unwrap();
        (place["locationId"].as_str().unwrap().to_owned(), units("onHand"), units("reserved"))
    };
    inventory["locations"].as_array().unwrap().iter().map(place).collect()
}

fn at(name: &str, on_hand: i64, reserved: i64) -> (String, i64, i64) {
    (name.to_owned(), on_hand, reserved)
}

#[tokio::test]
async fn locations_are_made_once_changed_under_their_tag_and_listed_by_priority() {
    let app = TestApp::start().await;
    assert_eq!(app.create_location("attic", 5).await.expect(201).header("location"), "/locations/attic");
    assert_eq!(app.create_location("attic", 6).await.expect(409).code(), "location_taken");
    app.create_location("cellar", -1).await.expect(201);
    let listed = send(app.staff(Method::GET, "/locations")).await.expect(200).body;
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|location| location["id"].clone()).collect();
    assert_eq!(ids, ["cellar", "main", "attic"]);
    let patch = |tag: &'static str, body: Value| {
        send(app.staff(Method::PATCH, "/locations/attic").header("if-match", tag).json(&body))
    };
    assert_eq!(patch("\"1\"", json!({ "priority": -2 })).await.expect(200).header("etag"), "\"2\"");
    patch("\"1\"", json!({ "name": "Loft" })).await.expect(412);
    send(app.staff(Method::GET, "/locations/nowhere")).await.expect(404);
    send(app.staff(Method::GET, "/locations/No%20Such")).await.expect(404);
    for (body, pointer) in [
        (json!({ "id": "Main Street", "name": "x", "priority": 1 }), "/id"),
        (json!({ "id": "b", "name": "", "priority": 1 }), "/name"),
        (json!({ "id": "b", "name": "x" }), "/priority"),
        (json!({ "id": "b", "name": "x", "priority": 1, "colour": 1 }), "/colour"),
    ] {
        let refused = send(app.staff(Method::POST, "/locations").json(&body)).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn a_product_at_three_places_is_one_sum_and_is_reserved_shipped_and_taken_back_place_by_place() {
    let app = TestApp::start().await;
    app.create_location("near", 1).await.expect(201);
    app.create_location("far", 2).await.expect(201);
    let product = app.stocked_product(2).await;
    let receipt = |place: &str, units: u32| json!({ "quantity": units, "locationId": place });
    app.stock_call(Method::POST, product, "/receipts", &receipt("near", 5)).await.expect(201);
    let moved = json!({ "from": "near", "to": "far", "quantity": 2, "reason": "room" });
    app.stock_call(Method::POST, product, "/transfers", &moved).await.expect(201);
    assert_eq!(app.show_product(product).await.expect(200).body["inventory"], 7);
    let order = OrderId::new();
    assert!(is_reserved(&app.post_entries(vec![reserve(OrderId::new(), &[(product, 3)])]).await[0]));
    assert!(is_reserved(&app.post_entries(vec![reserve(order, &[(product, 3)])]).await[0]));
    assert_eq!(places(&app, product).await, [at("far", 2, 1), at("main", 2, 2), at("near", 3, 3)]);
    let ship = |units: u32| LedgerEntry::Ship {
        id: MovementId::new(),
        order_id: order,
        lines: crate::app::lines(&[(product, units)]),
        location_id: None,
    };
    let take_back = LedgerEntry::Return {
        id: MovementId::new(),
        order_id: order,
        lines: crate::app::lines(&[(product, 1)]),
        location_id: Some("far".parse().unwrap()),
    };
    let outcomes = app.post_entries(vec![ship(3), take_back, ship(1)]).await;
    assert_eq!(outcomes[..2], [LedgerOutcome::Applied, LedgerOutcome::Applied]);
    assert!(matches!(outcomes[2], LedgerOutcome::Failed { .. }));
    assert_eq!(places(&app, product).await, [at("far", 2, 0), at("main", 0, 0), at("near", 3, 3)]);
    assert_eq!(app.audited_stock(product).await, (5, 3));
}

#[tokio::test]
async fn what_names_no_place_or_more_than_there_is_changes_nothing() {
    let app = TestApp::start().await;
    app.create_location("attic", 1).await.expect(201);
    let product = app.stocked_product(5).await;
    let transfer = |from: &str, to: &str, units: i64| json!({ "from": from, "to": to, "quantity": units });
    for (body, status, what) in [
        (transfer("main", "nowhere", 1), 422, "unknown_location"),
        (transfer("main", "main", 1), 422, "invalid_value"),
        (transfer("main", "attic", 0), 422, "invalid_value"),
        (transfer("main", "attic", 6), 409, "below_reserved"),
        (transfer("attic", "main", 1), 409, "below_reserved"),
    ] {
        let answer = app.stock_call(Method::POST, product, "/transfers", &body).await.expect(status);
        let code = answer.body["errors"][0]["code"].as_str().unwrap_or(answer.code());
        assert_eq!(code, what, "{body}");
    }
    let receipt = json!({ "quantity": 1, "locationId": "nowhere" });
    app.stock_call(Method::POST, product, "/receipts", &receipt).await.expect(422);
    app.stock_call(Method::POST, ProductId::new(), "/receipts", &json!({ "quantity": 1 })).await.expect(404);
    assert_eq!(app.count_movements().await, 1);
    assert_eq!(places(&app, product).await, [at("main", 5, 0)]);
}

#[tokio::test]
async fn a_transfer_is_made_once_under_its_key() {
    let app = TestApp::start().await;
    app.create_location("attic", 1).await.expect(201);
    let product = app.stocked_product(5).await;
    let call = |units: u32| {
        let body = json!({ "from": "main", "to": "attic", "quantity": units });
        let request = app.staff(Method::POST, &format!("/products/{product}/inventory/transfers"));
        send(request.header("idempotency-key", "t").json(&body))
    };
    let first = call(2).await.expect(201);
    let again = call(2).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    assert_eq!(call(3).await.expect(422).code(), "idempotency_key_reused");
    assert_eq!(places(&app, product).await, [at("attic", 2, 0), at("main", 3, 0)]);
}
