use crate::app::{Answer, TestApp, is_reserved, reserve, send};
use common::ids::{HoldId, OrderId, ProductId};
use common::models::auth::Role;
use common::models::ledger::{LedgerEntry, LedgerOutcome};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

fn id_of(answer: &Answer) -> HoldId {
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

fn order_of(hold_id: HoldId, product: ProductId, units: u32) -> LedgerEntry {
    let order_id = OrderId::new();
    let lines = crate::app::lines(&[(product, units)]);
    LedgerEntry::Reserve { id: order_id.reservation(), order_id, lines, hold_id: Some(hold_id) }
}

async fn call(app: &TestApp, token: &str, method: Method, path: &str, body: &Value) -> Answer {
    let request = app.anonymous(method, &format!("/reservations{path}")).bearer_auth(token);
    send(if body.is_null() { request } else { request.json(body) }).await
}

#[tokio::test]
async fn a_hold_is_kept_read_extended_and_given_back_by_its_owner_alone() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let (owner, stranger) = (app.token(Role::Customer), app.token(Role::Customer));
    let held = app.hold(&owner, &[(product, 3)], 600).await.expect(201);
    let path = format!("/{}", id_of(&held));
    assert_eq!(
        (held.header("location"), &held.body["status"]),
        (format!("/reservations{path}").as_str(), &json!("active"))
    );
    assert_eq!(app.show_product(product).await.expect(200).body["inventory"], 2);
    let refused = app.hold(&stranger, &[(product, 3)], 600).await.expect(409);
    assert_eq!((refused.code(), &refused.body["rejections"][0]["available"]), ("out_of_stock", &json!(2)));
    let longer = json!({ "ttlSeconds": 1800 });
    for (method, path, body) in [
        (Method::GET, path.clone(), Value::Null),
        (Method::POST, format!("{path}/extend"), longer.clone()),
        (Method::DELETE, path.clone(), Value::Null),
    ] {
        call(&app, &stranger, method, &path, &body).await.expect(404);
    }
    let extended = call(&app, &owner, Method::POST, &format!("{path}/extend"), &longer).await.expect(200);
    assert!(extended.body["expiresAt"].as_str() > held.body["expiresAt"].as_str());
    assert_eq!(call(&app, &owner, Method::GET, &path, &Value::Null).await.expect(200).body, extended.body);
    for _ in 0..2 {
        let given_back = call(&app, &owner, Method::DELETE, &path, &Value::Null).await.expect(200);
        assert_eq!(given_back.body["status"], "released");
    }
    let over = call(&app, &owner, Method::POST, &format!("{path}/extend"), &longer).await.expect(409);
    assert_eq!((over.code(), &over.body["status"]), ("hold_over", &json!("released")));
    assert_eq!(app.audited_stock(product).await, (5, 0));
}

#[tokio::test]
async fn a_hold_becomes_the_order_that_names_it_and_is_made_once_under_its_key() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let owner = app.token(Role::Customer);
    let body = json!({ "lines": [{ "productId": product, "quantity": 5 }], "ttlSeconds": 60 });
    let keyed = || {
        let request = app.anonymous(Method::POST, "/reservations").bearer_auth(&owner);
        send(request.header("idempotency-key", "checkout").json(&body))
    };
    let held = keyed().await.expect(201);
    assert_eq!(keyed().await.expect(201).header("idempotency-replayed"), "true");
    let hold = id_of(&held);
    let entries = vec![
        reserve(OrderId::new(), &[(product, 1)]),
        order_of(hold, product, 5),
        order_of(hold, product, 1),
    ];
    let outcomes = app.post_entries(entries).await;
    assert!(!is_reserved(&outcomes[0]) && is_reserved(&outcomes[1]) && !is_reserved(&outcomes[2]));
    let used = call(&app, &owner, Method::GET, &format!("/{hold}"), &Value::Null).await.expect(200);
    assert_eq!(used.body["status"], "used");
    assert!(used.body["orderId"].is_string());
    assert_eq!(app.audited_stock(product).await, (5, 5));
}

#[tokio::test]
async fn what_is_no_hold_is_refused_by_its_field_and_a_customer_has_five_at_most() {
    let app = TestApp::start().await;
    let product = app.stocked_product(50).await;
    let owner = app.token(Role::Customer);
    let line = json!({ "productId": product, "quantity": 1 });
    for (body, pointer) in [
        (json!({ "lines": [], "ttlSeconds": 60 }), "/lines"),
        (json!({ "lines": [line, line], "ttlSeconds": 60 }), "/lines"),
        (json!({ "lines": vec![&line; 101], "ttlSeconds": 60 }), "/lines"),
        (json!({ "lines": [line], "ttlSeconds": 0 }), "/ttlSeconds"),
        (json!({ "lines": [line], "ttlSeconds": 1801 }), "/ttlSeconds"),
        (json!({ "lines": [line] }), "/ttlSeconds"),
        (
            json!({ "lines": [{ "productId": product, "quantity": 0 }], "ttlSeconds": 60 }),
            "/lines/0/quantity",
        ),
        (json!({ "lines": [line], "ttlSeconds": 60, "customerId": 1 }), "/customerId"),
    ] {
        let refused = call(&app, &owner, Method::POST, "", &body).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
    }
    assert_eq!(
        app.hold(&owner, &[(ProductId::new(), 1)], 60).await.expect(409).body["rejections"][0]["code"],
        "unknown_product"
    );
    for _ in 0..5 {
        app.hold(&owner, &[(product, 1)], 60).await.expect(201);
    }
    assert_eq!(app.hold(&owner, &[(product, 1)], 60).await.expect(409).code(), "too_many_holds");
    app.hold(&app.token(Role::Staff), &[(product, 1)], 60).await.expect(201);
    call(&app, &owner, Method::GET, &format!("/{}", HoldId::new()), &Value::Null).await.expect(404);
}

#[tokio::test]
async fn an_expired_hold_is_free_for_the_next_order_with_or_without_the_sweeper() {
    let app = TestApp::start().await;
    let (product, other) = (app.stocked_product(5).await, app.stocked_product(5).await);
    let owner = app.token(Role::Staff);
    let hold = id_of(&app.hold(&owner, &[(product, 5), (other, 2)], 1).await.expect(201));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    // Refused until the instant it expires, whatever the sweeper does meanwhile.
    while !is_reserved(&app.post_entries(vec![reserve(OrderId::new(), &[(product, 5)])]).await[0]) {
        assert!(std::time::Instant::now() < deadline, "the hold never expires");
    }
    let over = call(&app, &owner, Method::GET, &format!("/{hold}"), &Value::Null).await.expect(200);
    assert_eq!(over.body["status"], "expired");
    let outcomes = app.post_entries(vec![order_of(hold, product, 1)]).await;
    assert!(matches!(outcomes[0], LedgerOutcome::Refused { .. }));
    assert_eq!((app.audited_stock(product).await, app.audited_stock(other).await), ((5, 5), (5, 0)));
}

#[tokio::test]
async fn of_300_simultaneous_holds_and_orders_for_100_units_exactly_100_have_one() {
    let app = TestApp::start().await;
    let replica = app.replica().await;
    let product = app.stocked_product(100).await;
    let (staff, one) = (app.token(Role::Staff), [(product, 1)]);
    let (holds, orders) = tokio::join!(
        join_all((0..150).map(|_| app.hold(&staff, &one, 600))),
        join_all((0..150).map(|_| replica.post_entries(vec![reserve(OrderId::new(), &[(product, 1)])]))),
    );
    let held: Vec<HoldId> = holds.iter().filter(|answer| answer.status == 201).map(id_of).collect();
    let bought = orders.iter().filter(|outcomes| is_reserved(&outcomes[0])).count();
    assert_eq!(held.len() + bought, 100);
    assert_eq!(app.audited_stock(product).await, (100, 100));
    // Every hold is named by an order and given back at the same time, at two replicas: one of the two has its way.
    let (named, given_back) = tokio::join!(
        join_all(held.iter().map(|hold| app.post_entries(vec![order_of(*hold, product, 1)]))),
        join_all(held.iter().map(|hold| {
            let path = format!("/{hold}");
            let (replica, staff) = (&replica, &staff);
            async move { call(replica, staff, Method::DELETE, &path, &Value::Null).await }
        })),
    );
    let ordered = named.iter().filter(|outcomes| is_reserved(&outcomes[0])).count();
    for answer in given_back {
        answer.expect(200);
    }
    assert_eq!(app.audited_stock(product).await, (100, i64::try_from(bought + ordered).unwrap()));
    let explanation = app.explain(product, "").await.expect(200).body;
    assert_eq!((&explanation["addsUp"], &explanation["holds"]), (&json!(true), &json!([])));
}
