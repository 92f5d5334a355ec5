//! This service's log of events: products as they are, and every movement of stock.

use crate::app::{SERVICE_TOKEN, TestApp, is_reserved, new_product, release, reserve, send};
use common::events::collector::{Collector, Turn};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::event::EntityKind;
use common::time::Timestamp;
use product_service::config::Settings;
use product_service::store::events::SOURCES;
use reqwest::Method;
use serde_json::{Value, json};

async fn collect(app: &TestApp) {
    let settings = Settings::defaults().unwrap().events;
    let mut collector = Collector::new(&app.database().await, settings, &SOURCES);
    assert_eq!(collector.catch_up_and_leave().await.unwrap(), Turn::Idle);
}

async fn log(app: &TestApp, query: &str) -> Vec<Value> {
    let request = app.outsider(Method::GET, &format!("/internal/events{query}"));
    let answer = send(request.header("x-service-token", SERVICE_TOKEN)).await.expect(200);
    answer.body["events"].as_array().unwrap().clone()
}

fn told(events: &[Value]) -> Vec<(&str, i64, i64)> {
    let told = |event: &Value| (event["sequence"].as_i64().unwrap(), event["version"].as_i64().unwrap());
    events.iter().map(|event| (event["type"].as_str().unwrap(), told(event).0, told(event).1)).collect()
}

#[tokio::test]
async fn changes_of_a_product_that_come_together_are_told_together_and_numbered_without_a_hole() {
    let app = TestApp::start().await;
    let created = app.create_product(&new_product(0)).await.expect(201);
    let id: ProductId = created.body["id"].as_str().unwrap().parse().unwrap();
    collect(&app).await;
    for price in [1, 2, 3] {
        app.change_product(id, &json!({ "price": price })).await.expect(200);
    }
    collect(&app).await;
    collect(&app).await;
    let events = log(&app, "?types=product.*").await;
    assert_eq!(told(&events), [("product.created", 1, 1), ("product.updated", 2, 4)]);
    let data: Value = serde_json::from_str(events[1]["data"].as_str().unwrap()).unwrap();
    assert_eq!((&data["price"], &data["id"], data.get("inventory")), (&json!(3), &json!(id), None));
}

#[tokio::test]
async fn movements_add_up_to_the_stock() {
    let app = TestApp::start().await;
    let (id, order) = (app.stocked_product(10).await, OrderId::new());
    app.adjust_inventory(id, -2).await.expect(201);
    let outcomes = app.post_entries(vec![reserve(order, &[(id, 3)])]).await;
    assert!(is_reserved(&outcomes[0]));
    app.post_entries(vec![release(MovementId::new(), order, &[(id, 1)])]).await;
    collect(&app).await;
    let events = log(&app, "?types=stock.*").await;
    let mut kinds: Vec<_> = told(&events).into_iter().map(|(kind, sequence, _)| (kind, sequence)).collect();
    kinds.sort_unstable();
    let expected =
        ["stock.adjusted", "stock.received", "stock.released", "stock.reserved"].map(|kind| (kind, 1));
    assert_eq!(kinds, expected);
    let mut sums = (0, 0);
    for event in &events {
        let data: Value = serde_json::from_str(event["data"].as_str().unwrap()).unwrap();
        assert_eq!(data["id"], event["entityId"]);
        for line in data["lines"].as_array().unwrap() {
            sums.0 += line["onHandDelta"].as_i64().unwrap();
            sums.1 += line["reservedDelta"].as_i64().unwrap();
        }
    }
    assert_eq!(sums, app.audited_stock(id).await);
}

#[tokio::test]
async fn the_numbering_of_a_product_goes_on_when_its_events_are_gone() {
    let app = TestApp::start().await;
    let created = app.create_product(&new_product(0)).await.expect(201);
    let id: ProductId = created.body["id"].as_str().unwrap().parse().unwrap();
    app.create_product(&json!({ "sku": "ANOTHER", "name": "Another", "price": 1 })).await.expect(201);
    collect(&app).await;
    let log_of = common::events::log::EventLog::new(&app.database().await);
    let page = log_of.read(None, &"product.*".parse().unwrap(), 200).await.unwrap();
    let cutoff = page.events.last().unwrap().recorded_at.plus_millis(1);
    while Timestamp::now() < cutoff {
        tokio::task::yield_now().await;
    }
    while log_of.prune(cutoff).await.unwrap() {}
    app.change_product(id, &json!({ "price": 7 })).await.expect(200);
    collect(&app).await;
    let left = log_of.read(None, &"product.*".parse().unwrap(), 200).await.unwrap().events;
    let mut of_it = left.iter().filter(|event| event.entity_id.to_string() == id.to_string());
    let last = of_it.next_back().unwrap();
    assert_eq!(
        (last.sequence, last.kind.as_str(), last.entity_kind),
        (2, "product.updated", EntityKind::Product)
    );
}

#[tokio::test]
async fn the_log_is_for_our_own_services_alone() {
    let app = TestApp::start().await;
    send(app.outsider(Method::GET, "/internal/events")).await.expect(401);
    let request = app.outsider(Method::GET, "/internal/events?after=7");
    let gone = send(request.header("x-service-token", SERVICE_TOKEN)).await.expect(410);
    assert_eq!(gone.code(), "cursor_expired");
}
