//! This service's part of the audit trail: prices, statuses and stock by hand.

use crate::app::{Answer, SERVICE_TOKEN, TestApp, is_reserved, new_product, reserve, send};
use common::ids::OrderId;
use reqwest::Method;
use serde_json::{Value, json};

async fn events(app: &TestApp, filter: Value) -> Vec<Value> {
    let body = json!({ "filter": filter, "limit": "50" });
    let request =
        app.outsider(Method::POST, "/internal/audit-events").header("x-service-token", SERVICE_TOKEN);
    let answer: Answer = send(request.json(&body)).await.expect(200);
    answer.body.as_array().unwrap().clone()
}

#[tokio::test]
async fn what_staff_do_to_products_and_stock_stands_in_the_trail_and_what_orders_do_does_not() {
    let app = TestApp::start().await;
    let created = app.create_product(&new_product(5)).await.expect(201);
    let id = created.body["id"].as_str().unwrap().parse().unwrap();
    app.change_product(id, &json!({ "price": 24.5 })).await.expect(200);
    app.change_product(id, &json!({ "price": 24.5 })).await.expect(200);
    app.set_inventory(id, 9).await.expect(200);
    app.adjust_inventory_under("1", id, -1).await.expect(201);
    app.adjust_inventory_under("1", id, -1).await.expect(201);
    let outcomes = app.post_entries(vec![reserve(OrderId::new(), &[(id, 1)])]).await;
    assert!(is_reserved(&outcomes[0]));
    let trail = events(&app, json!({ "subject": id })).await;
    let actions: Vec<_> = trail.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["stock.adjusted", "stock.set", "product.changed", "product.created"]);
    assert_eq!(trail[0]["details"]["onHandDelta"], -1);
    assert_eq!(trail[1]["details"]["onHandDelta"], 4);
    assert_eq!(trail[2]["details"]["priceMinor"], json!({ "from": 1999, "to": 2450 }));
    for event in &trail {
        assert_eq!(
            (&event["actor"]["role"], &event["actor"]["address"]),
            (&json!("staff"), &json!("127.0.0.1"))
        );
    }
    assert_eq!(events(&app, json!({ "action": "stock.set" })).await.len(), 1);
    assert!(events(&app, json!({ "actor": "nobody" })).await.is_empty());
}

#[tokio::test]
async fn a_change_that_loses_leaves_no_entry() {
    let app = TestApp::start().await;
    let created = app.create_product(&new_product(0)).await.expect(201);
    let id = created.body["id"].as_str().unwrap().parse().unwrap();
    app.change_product_at(id, 1, &json!({ "price": 1 })).await.expect(200);
    app.change_product_at(id, 1, &json!({ "price": 2 })).await.expect(412);
    assert_eq!(events(&app, json!({ "action": "product.changed" })).await.len(), 1);
}

#[tokio::test]
async fn the_trail_is_for_our_own_services_alone() {
    let app = TestApp::start().await;
    let request = app.outsider(Method::POST, "/internal/audit-events");
    send(request.json(&json!({ "filter": {}, "limit": "50" }))).await.expect(401);
}
