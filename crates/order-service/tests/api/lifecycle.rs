use crate::app::{Someone, TestApp, problem};
use common::ids::ProductId;
use common::models::ledger::LedgerEntry;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// An order of 5 units that are shipped in one parcel and delivered.
async fn delivered(customer: &Someone<'_>, staff: &Someone<'_>, product: ProductId) -> Value {
    let order = customer.placed(product, 5).await;
    let shipped = staff.went(&order, "fulfillments", json!({})).await;
    staff.went(&order, &format!("{}/deliver", parcel(&shipped, 0)), json!({})).await
}

fn parcel(order: &Value, place: usize) -> String {
    format!("fulfillments/{}", order["fulfillments"][place]["id"].as_str().unwrap())
}

fn statuses(order: &Value) -> (&str, &str) {
    (order["status"].as_str().unwrap(), order["fulfillmentStatus"].as_str().unwrap())
}

/// What the ledger was told, each entry once.
fn told(app: &TestApp) -> Vec<LedgerEntry> {
    let mut once: Vec<LedgerEntry> = Vec::new();
    for entry in app.ledger.entries() {
        if !once.contains(&entry) {
            once.push(entry);
        }
    }
    once
}

#[tokio::test]
async fn an_order_goes_from_click_to_door_in_two_parcels() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = customer.placed(product, 5).await;
    let body = json!({
        "lines": [{ "productId": product, "quantity": 2 }],
        "carrier": "DHL", "trackingNumber": "JD01", "trackingUrl": "https://example.com/JD01", "locationId": "berlin",
    });
    let response = staff.go(&order, "fulfillments", body).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let (location, etag) = (response.headers()["location"].clone(), response.headers()["etag"].clone());
    let first: Value = response.json().await.unwrap();
    assert_eq!((statuses(&first), etag.to_str().unwrap()), (("confirmed", "partially_fulfilled"), "\"3\""));
    let found: Value = customer.get(location.to_str().unwrap()).await.json().await.unwrap();
    assert_eq!(found, first["fulfillments"][0]);
    assert_eq!((&found["carrier"], &found["locationId"]), (&json!("DHL"), &json!("berlin")));
    let second = staff.went(&order, "fulfillments", json!({})).await;
    assert_eq!(statuses(&second), ("confirmed", "fulfilled"));
    for place in [0, 1] {
        staff.went(&order, &format!("{}/deliver", parcel(&second, place)), json!({})).await;
    }
    let order = customer.get_order(&order["id"]).await;
    assert_eq!(statuses(&order), ("completed", "delivered"));
    assert!(order["fulfillments"][1]["deliveredAt"].is_string());
    app.sweep().await;
    let shipped: Vec<u32> = told(&app)
        .iter()
        .filter(|entry| matches!(entry, LedgerEntry::Ship { .. }))
        .map(|entry| entry.lines()[0].quantity.get())
        .collect();
    assert_eq!(shipped, [2, 3]);
    let history: Value = customer
        .get(&format!("/orders/{}/history", order["id"].as_str().unwrap()))
        .await
        .json()
        .await
        .unwrap();
    let events: Vec<_> = history.as_array().unwrap().iter().map(|change| &change["event"]).collect();
    assert_eq!(events, ["placed", "confirmed", "shipped", "shipped", "delivered", "delivered"]);
    assert_eq!(history[2]["fulfillmentId"], order["fulfillments"][0]["id"]);
}

#[tokio::test]
async fn units_are_cancelled_by_line_and_a_customer_is_told_what_is_too_many() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    let order = customer.placed(product, 5).await;
    let line = |quantity| json!({ "lines": [{ "productId": product, "quantity": quantity }] });
    let cancelled = customer.went(&order, "cancel", line(2)).await;
    assert_eq!((&cancelled["lines"][0]["cancelled"], &cancelled["total"]), (&json!(2), &json!(37.5)));
    assert_eq!(statuses(&cancelled), ("confirmed", "unfulfilled"));
    let response = customer.go(&order, "cancel", line(4)).await;
    let refused: Value = response.json().await.unwrap();
    assert_eq!((&refused["code"], &refused["available"]), (&json!("too_many_units"), &json!(3)));
    app.staff().went(&order, "fulfillments", line(1)).await;
    let shipped = customer.go(&order, "cancel", json!({})).await;
    assert_eq!(problem(shipped).await, (409, "illegal_transition".into()));
    let rest = app.staff().went(&order, "cancel", json!({ "reason": "the rest is lost" })).await;
    assert_eq!((&rest["lines"][0]["cancelled"], statuses(&rest).1), (&json!(4), "fulfilled"));
}

#[tokio::test]
async fn a_return_is_requested_by_the_customer_and_received_by_staff() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = delivered(&customer, &staff, product).await;
    let wish = json!({ "lines": [{ "productId": product, "quantity": 3, "reason": "too large" }] });
    let response = customer.go(&order, "returns", wish).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let asked: Value = response.json().await.unwrap();
    let found: Value = customer.get(&location).await.json().await.unwrap();
    assert_eq!(found, asked["returns"][0]);
    let part = format!("returns/{}", found["id"].as_str().unwrap());
    let arrived = json!({ "lines": [{ "productId": product, "restock": 1, "writeOff": 1 }] });
    let early = staff.go(&order, &format!("{part}/receive"), arrived.clone()).await;
    assert_eq!(problem(early).await, (409, "illegal_transition".into()));
    staff.went(&order, &format!("{part}/approve"), json!({ "note": "sorry" })).await;
    let received = staff.went(&order, &format!("{part}/receive"), arrived).await;
    let line = &received["lines"][0];
    assert_eq!((&line["returned"], &line["restocked"]), (&json!(2), &json!(1)));
    assert_eq!(received["returns"][0]["status"], "received");
    app.sweep().await;
    let restocked: Vec<u32> = told(&app)
        .iter()
        .filter(|entry| matches!(entry, LedgerEntry::Return { .. }))
        .map(|entry| entry.lines()[0].quantity.get())
        .collect();
    assert_eq!(restocked, [1]);
    let unknown = staff.go(&order, &format!("returns/{}/approve", ProductId::new()), json!({})).await;
    assert_eq!(problem(unknown).await, (404, "not_found".into()));
    let wrong = staff.go(&order, "returns/x/approve", json!({})).await;
    assert_eq!(problem(wrong).await, (422, "validation_failed".into()));
}

#[tokio::test]
async fn a_move_with_its_key_happens_once_and_the_key_serves_no_other_request() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = customer.placed(product, 5).await;
    let line = |quantity| json!({ "lines": [{ "productId": product, "quantity": quantity }] });
    let first = staff.go_with(&order, "fulfillments", line(1), Some("k")).await;
    let again = staff.go_with(&order, "fulfillments", line(1), Some("k")).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(first.headers()["location"], again.headers()["location"]);
    assert_eq!(again.json::<Value>().await.unwrap()["fulfillments"].as_array().unwrap().len(), 1);
    let other = staff.go_with(&order, "fulfillments", line(2), Some("k")).await;
    assert_eq!(problem(other).await, (422, "idempotency_key_reused".into()));
    // The same key names another intention in another move.
    assert_eq!(staff.go_with(&order, "hold", json!({}), Some("k")).await.status(), StatusCode::OK);
    assert_eq!(staff.go_with(&order, "hold", json!({}), Some("k")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_move_honours_the_version_that_the_caller_read() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let order = customer.placed(ProductId::new(), 5).await;
    for part in ["hold", "cancel", "fulfillments"] {
        let path = format!("/orders/{}/{part}", order["id"].as_str().unwrap());
        let stale = staff.request(Method::POST, &path).header("If-Match", "\"1\"").send().await.unwrap();
        assert_eq!(problem(stale).await, (412, "version_mismatch".into()));
    }
}

#[tokio::test]
async fn a_held_order_says_why_it_is_not_shipped() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let order = customer.placed(ProductId::new(), 5).await;
    let held = staff.went(&order, "hold", json!({ "note": "address is odd" })).await;
    assert_eq!(held["hold"]["note"], "address is odd");
    let refused: Value = staff.go(&order, "fulfillments", json!({})).await.json().await.unwrap();
    assert_eq!((&refused["code"], &refused["state"]), (&json!("illegal_transition"), &json!("confirmed")));
    assert!(!refused["allowedMoves"].as_array().unwrap().contains(&json!("ship")));
    let path = format!("/orders/{}/why", order["id"].as_str().unwrap());
    let why: Value = staff.get(&path).await.json().await.unwrap();
    let find = |name: &str| why["moves"].as_array().unwrap().iter().find(|row| row["move"] == name).unwrap();
    assert_eq!(
        (&find("ship")["allowed"], &find("ship")["because"]),
        (&json!(false), &json!("the order is on hold"))
    );
    assert_eq!(find("release")["allowed"], true);
    let why: Value = customer.get(&path).await.json().await.unwrap();
    let moves: Vec<_> = why["moves"].as_array().unwrap().iter().map(|row| &row["move"]).collect();
    assert_eq!(moves, ["cancel", "request_return"]);
    let seen = customer.get_order(&order["id"]).await;
    assert!(seen["hold"].is_object() && seen["hold"].get("note").is_none());
    let released = staff.went(&order, "release", json!({})).await;
    assert!(released.get("hold").is_none());
    assert_eq!(problem(app.customer().get(&path).await).await, (404, "not_found".into()));
}

#[tokio::test]
async fn notes_and_tags_are_for_staff() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let order = customer.placed(ProductId::new(), 5).await;
    staff.went(&order, "notes", json!({ "text": "called twice" })).await;
    let tagged = staff.went(&order, "tags", json!({ "add": ["vip", "gift"] })).await;
    assert_eq!(tagged["tags"], json!(["gift", "vip"]));
    assert_eq!(tagged["notes"][0]["text"], "called twice");
    let seen = customer.get_order(&order["id"]).await;
    assert!(seen.get("notes").is_none() && seen.get("tags").is_none());
    for part in ["notes", "tags", "hold", "release", "edits", "fulfillments"] {
        let body = match part {
            "notes" => json!({ "text": "x" }),
            "edits" => json!({ "lines": [{ "productId": ProductId::new(), "quantity": 1 }] }),
            _ => json!({}),
        };
        assert_eq!(problem(customer.go(&order, part, body).await).await, (403, "forbidden".into()), "{part}");
    }
    let empty = staff.go(&order, "notes", json!({ "text": " " })).await;
    assert_eq!(problem(empty).await, (422, "validation_failed".into()));
}

#[tokio::test]
async fn an_order_keeps_what_other_systems_attach_and_its_external_id_is_its_own() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    let mut body = customer.order(product, 1);
    body["externalId"] = json!("shop-1");
    body["note"] = json!("ring twice");
    body["metadata"] = json!({ "utm_source": "letter" });
    body["holdId"] = json!(ProductId::new());
    let placed: Value = customer.place(&body, Some("k")).await.json().await.unwrap();
    let order = customer.get_order(&placed["id"]).await;
    assert_eq!((&order["externalId"], &order["note"]), (&json!("shop-1"), &json!("ring twice")));
    assert_eq!(order["metadata"], json!({ "utm_source": "letter" }));
    assert!(matches!(&app.ledger.entries()[0], LedgerEntry::Reserve { hold_id: Some(_), .. }));
    let again = customer.place(&body, Some("k")).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    let taken = customer.place(&body, Some("other")).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    let taken: Value = taken.json().await.unwrap();
    assert_eq!((&taken["code"], &taken["orderId"]), (&json!("external_id_taken"), &order["id"]));
    body["metadata"] = json!({ "a.b": "c" });
    assert_eq!(problem(customer.place(&body, None).await).await, (422, "validation_failed".into()));
}

#[tokio::test]
async fn a_rejected_order_gives_its_external_id_up() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    app.ledger.sold_out.lock().unwrap().push(product);
    let mut body = customer.order(product, 1);
    body["externalId"] = json!("shop-1");
    assert_eq!(problem(customer.place(&body, None).await).await, (409, "out_of_stock".into()));
    app.ledger.sold_out.lock().unwrap().clear();
    assert_eq!(customer.place(&body, None).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn every_wrong_body_of_a_move_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = customer.placed(product, 5).await;
    let line = |quantity: Value| json!({ "lines": [{ "productId": product, "quantity": quantity }] });
    for (part, body, pointer) in [
        ("cancel", json!({ "reason": " " }), "/reason"),
        ("cancel", json!({ "lines": [] }), "/lines"),
        ("cancel", line(json!(0)), "/lines/0/quantity"),
        (
            "cancel",
            json!({ "lines": [{ "productId": ProductId::new(), "quantity": 1 }] }),
            "/lines/0/productId",
        ),
        ("cancel", json!({ "all": true }), "/all"),
        ("edits", line(json!(-1)), "/lines/0/quantity"),
        ("edits", json!({ "lines": [[product, 1]] }), "/lines/0"),
        ("edits", json!({}), "/lines"),
        ("fulfillments", json!({ "trackingUrl": "javascript:alert(1)" }), "/trackingUrl"),
        ("fulfillments", json!({ "locationId": "No Such Place" }), "/locationId"),
        ("fulfillments", json!({ "carrier": "" }), "/carrier"),
        ("fulfillments", line(json!(1.5)), "/lines/0/quantity"),
        ("returns", json!({ "lines": [{ "productId": product }] }), "/lines/0/quantity"),
        ("hold", json!({ "note": "a".repeat(501) }), "/note"),
        ("notes", json!({}), "/text"),
        ("tags", json!({ "add": ["a".repeat(51)] }), "/add/0"),
        ("tags", json!({ "add": "vip" }), "/add"),
    ] {
        let response = staff.go(&order, part, body.clone()).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{part} {body}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{part} {body}: {problem}");
    }
    assert_eq!(staff.get_order(&order["id"]).await["version"], 2);
    let unknown = staff.go(&json!({ "id": ProductId::new() }), "hold", json!({})).await;
    assert_eq!(problem(unknown).await, (404, "not_found".into()));
}

#[tokio::test]
async fn a_place_that_is_not_there_or_is_short_is_refused_before_the_order_changes() {
    let app = TestApp::start().await;
    let (customer, staff, product) = (app.customer(), app.staff(), ProductId::new());
    let order = customer.placed(product, 2).await;
    let unknown = staff.go(&order, "fulfillments", json!({ "locationId": "nowhere" })).await;
    assert_eq!(unknown.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let unknown: Value = unknown.json().await.unwrap();
    assert_eq!(
        (&unknown["errors"][0]["pointer"], &unknown["errors"][0]["code"]),
        (&json!("/locationId"), &json!("unknown_location"))
    );
    app.ledger.contradicting.lock().unwrap().push(product);
    let short = staff.go(&order, "fulfillments", json!({ "locationId": "berlin" })).await;
    assert_eq!(problem(short).await, (409, "location_short".into()));
    assert_eq!(staff.get_order(&order["id"]).await["version"], 2);
    app.ledger.contradicting.lock().unwrap().clear();
    let shipped = staff.went(&order, "fulfillments", json!({ "locationId": "berlin" })).await;
    staff.went(&order, &format!("{}/deliver", parcel(&shipped, 0)), json!({})).await;
    let body = json!({ "lines": [{ "productId": product, "quantity": 1 }] });
    let asked = customer.went(&order, "returns", body).await;
    let back = format!("returns/{}", asked["returns"][0]["id"].as_str().unwrap());
    staff.went(&order, &format!("{back}/approve"), json!({})).await;
    let receipt =
        |place: &str| json!({ "lines": [{ "productId": product, "restock": 1 }], "locationId": place });
    let receive = format!("{back}/receive");
    let refused = staff.go(&order, &receive, receipt("nowhere")).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    app.ledger.contradicting.lock().unwrap().push(product);
    assert_eq!(
        problem(staff.go(&order, &receive, receipt("berlin")).await).await,
        (409, "location_refuses".into())
    );
    app.ledger.contradicting.lock().unwrap().clear();
    staff.went(&order, &receive, receipt("berlin")).await;
}
