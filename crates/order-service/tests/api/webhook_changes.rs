//! Making, changing and deleting webhooks, and what the audit trail says of it.

use crate::app::{Someone, TestApp, problem};
use crate::webhooks::{admin, answering, database, dispatch, endpoint, get, kinds, path, post, received};
use common::events::cursor::FeedCursor;
use common::ids::{ProductId, WebhookId};
use common::models::webhook::MAX_WEBHOOKS;
use mongodb::bson::{Document, doc};
use order_service::startup::Application;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::matchers::{self, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

async fn patch(admin: &Someone<'_>, hook: &Value, change: Value) -> Value {
    let response = admin.request(Method::PATCH, &path(hook, "")).json(&change).send().await.unwrap();
    assert_eq!(response.status(), 200, "{change}");
    response.json().await.unwrap()
}

/// What the audit trail says of a webhook, oldest first.
async fn trail(app: &TestApp, hook: &Value) -> Vec<Value> {
    let request = app.http.post(format!("{}/internal/audit-events", app.internal_url));
    let request = request.header("x-service-token", "development-service-token");
    let filter = json!({ "filter": { "subject": hook["id"] }, "limit": "50" });
    let mut events: Vec<Value> = request.json(&filter).send().await.unwrap().json().await.unwrap();
    events.reverse();
    events
}

#[tokio::test]
async fn a_webhook_is_an_administrators_and_goes_only_where_it_may() {
    let app = TestApp::start().await;
    let (admin, staff) = (admin(&app), app.staff());
    let good = json!({ "url": "https://1.1.1.1/hooks" });
    assert_eq!(problem(post(&staff, "/webhooks", good.clone()).await).await, (403, "forbidden".into()));
    for url in [
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[2002:a00:1::]/",
        "https://0xa000001/",
        "ftp://1.1.1.1/",
        "https://user:secret@1.1.1.1/",
        "nonsense",
    ] {
        let refused = post(&admin, "/webhooks", json!({ "url": url })).await;
        assert_eq!(refused.status(), 422, "{url}");
        let body: Value = refused.json().await.unwrap();
        assert_eq!(
            (&body["errors"][0]["pointer"], &body["errors"][0]["code"]),
            (&json!("/url"), &json!("refused_target"))
        );
    }
    for (part, pointer) in [
        (json!({ "types": ["order.eaten"] }), "/types"),
        (json!({ "after": "x" }), "/after"),
        (json!({ "colour": "red" }), "/colour"),
    ] {
        let mut new = good.clone();
        new.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        let refused = post(&admin, "/webhooks", new).await;
        assert_eq!(refused.status(), 422);
        assert_eq!(refused.json::<Value>().await.unwrap()["errors"][0]["pointer"], pointer);
    }
    let with_key =
        || admin.request(Method::POST, "/webhooks").header("Idempotency-Key", "k").json(&good).send();
    let made: Value = with_key().await.unwrap().json().await.unwrap();
    assert_eq!(problem(with_key().await.unwrap()).await, (409, "secret_already_shown".into()));
    let stale = admin.request(Method::PATCH, &path(&made, "")).header("If-Match", "\"9\"");
    assert_eq!(stale.json(&json!({ "types": [] })).send().await.unwrap().status(), 412);
    let changed = patch(&admin, &made, json!({ "types": ["stock.*"] })).await;
    assert_eq!(changed["types"], json!(["stock.*"]));
    assert_eq!(get(&admin, "/webhooks").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn where_there_is_no_room_a_repeat_is_still_told_that_it_is_one() {
    let app = TestApp::start().await;
    let admin = admin(&app);
    let make = async |key: &str| {
        let request = admin.request(Method::POST, "/webhooks").header("Idempotency-Key", key);
        request.json(&json!({ "url": "https://1.1.1.1/hooks" })).send().await.unwrap()
    };
    assert_eq!(make("first").await.status(), 201);
    let endpoints = database(&app).await.collection::<Document>("webhook_endpoints");
    let made = endpoints.find_one(doc! {}).await.unwrap().unwrap();
    let another = |_| {
        let mut another = made.clone();
        another.insert("_id", WebhookId::new());
        another
    };
    endpoints.insert_many((1..MAX_WEBHOOKS).map(another)).await.unwrap();
    assert_eq!(problem(make("another").await).await, (409, "too_many_webhooks".into()));
    assert_eq!(problem(make("first").await).await, (409, "secret_already_shown".into()));
}

#[tokio::test]
async fn the_audit_trail_says_who_did_what_to_a_webhook_and_holds_no_secret() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let new = json!({ "url": format!("{}/hooks?token=hush", receiver.uri()), "types": ["order.*"] });
    let hook: Value = post(&admin, "/webhooks", new).await.json().await.unwrap();
    let rotated = post(&admin, &path(&hook, "/rotate-secret"), json!({ "overlapS": 0 })).await;
    let rotated: Value = rotated.json().await.unwrap();
    assert_eq!(rotated.get("previousSecretUntil"), None);
    assert_eq!(patch(&admin, &hook, json!({ "description": "the ERP" })).await["description"], "the ERP");
    assert_eq!(patch(&admin, &hook, json!({ "description": null })).await.get("description"), None);
    patch(&admin, &hook, json!({})).await;
    for part in ["/pause", "/pause", "/resume"] {
        assert_eq!(post(&admin, &path(&hook, part), json!(null)).await.status(), 200);
    }
    assert_eq!(post(&admin, &path(&hook, "/replay"), json!({ "dead": true })).await.status(), 202);
    let range = json!({ "after": hook["cursor"] });
    assert_eq!(post(&admin, &path(&hook, "/replay"), range).await.status(), 202);
    let stale = admin.request(Method::POST, &path(&hook, "/pause")).header("If-Match", "\"1\"");
    assert_eq!(stale.send().await.unwrap().status(), 412);
    let gone = admin.request(Method::DELETE, &path(&hook, "")).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    let again = admin.request(Method::DELETE, &path(&hook, "")).send().await.unwrap();
    assert_eq!(again.status(), 404);
    let trail = trail(&app, &hook).await;
    let actions: Vec<&str> = trail.iter().map(|event| event["action"].as_str().unwrap()).collect();
    let expected = [
        "webhook.created",
        "webhook.secret_rotated",
        "webhook.changed",
        "webhook.changed",
        "webhook.paused",
        "webhook.resumed",
        "webhook.replayed",
        "webhook.replayed",
        "webhook.deleted",
    ];
    assert_eq!(actions, expected);
    assert_eq!(trail[0]["details"], json!({ "host": "127.0.0.1", "types": ["order.*"] }));
    assert_eq!(trail[2]["details"]["fields"], json!(["description"]));
    for event in &trail {
        assert_eq!(
            (&event["actor"]["id"], &event["actor"]["role"], &event["actor"]["address"]),
            (&json!(admin.id), &json!("admin"), &json!("127.0.0.1"))
        );
    }
    let text = json!(trail).to_string();
    assert!(!text.contains("hush") && !text.contains("whsec_"), "{text}");
}

#[tokio::test]
async fn a_receiver_that_is_gone_stands_in_the_trail_as_what_we_did_ourselves() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let hook = endpoint(&admin, &receiver, &["order.placed"]).await;
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    answering(&receiver, ResponseTemplate::new(410)).await;
    dispatch(&app, &hook).await;
    let trail = trail(&app, &hook).await;
    let last = trail.last().unwrap();
    assert_eq!(
        (&last["action"], &last["actor"]["id"], &last["details"]["because"]),
        (&json!("webhook.disabled"), &json!("order-service"), &json!("gone"))
    );
}

#[tokio::test]
async fn what_is_wanted_for_the_first_time_begins_with_what_happens_from_now_on() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let (admin, customer) = (admin(&app), app.customer());
    let hook = endpoint(&admin, &receiver, &["product.updated"]).await;
    answering(&receiver, ResponseTemplate::new(200)).await;
    customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    dispatch(&app, &hook).await;
    let changed = patch(&admin, &hook, json!({ "types": ["product.updated", "order.placed"] })).await;
    assert_ne!(changed["cursor"], hook["cursor"]);
    dispatch(&app, &hook).await;
    assert_eq!(received(&receiver).await.len(), 0);
    let order = customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    dispatch(&app, &hook).await;
    let bodies = received(&receiver).await;
    assert_eq!((kinds(&bodies), &bodies[0]["data"]["id"]), (vec!["order.placed"], &order["id"]));
    // A type of a log that was read all along loses nothing.
    customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    patch(&admin, &hook, json!({ "types": [] })).await;
    dispatch(&app, &hook).await;
    let bodies = received(&receiver).await;
    assert_eq!(kinds(&bodies[1..]), ["order.placed", "order.confirmed"]);
}

#[tokio::test]
async fn a_webhook_that_is_resumed_passes_over_the_log_that_expired_and_no_other() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let hook = endpoint(&admin, &receiver, &["product.updated", "order.placed"]).await;
    answering(&receiver, ResponseTemplate::new(200)).await;
    dispatch(&app, &hook).await;
    let before: FeedCursor = get(&admin, &path(&hook, "")).await["cursor"].as_str().unwrap().parse().unwrap();
    assert_eq!(before, FeedCursor { orders: Some(0), customers: None, products: Some(0) });
    // Of the products' log everything up to its end is gone.
    let pruned = |request: &Request| {
        let is_expired = request.url.query_pairs().any(|pair| pair == ("after".into(), "0".into()));
        let page = json!({ "events": [], "next": 7, "last": 7 });
        if is_expired { ResponseTemplate::new(410) } else { ResponseTemplate::new(200).set_body_json(page) }
    };
    let read = Mock::given(method("GET")).and(matchers::path("/internal/events"));
    read.respond_with(pruned).mount(&app.products).await;
    let order = app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    dispatch(&app, &hook).await;
    let shown = get(&admin, &path(&hook, "")).await;
    assert_eq!((&shown["status"], &shown["disabledBecause"]), (&json!("disabled"), &json!("cursor_expired")));
    let resumed = post(&admin, &path(&hook, "/resume"), json!(null)).await;
    let resumed: Value = resumed.json().await.unwrap();
    let expected = FeedCursor { products: Some(7), ..before };
    assert_eq!((&resumed["status"], &resumed["cursor"]), (&json!("active"), &json!(expected.to_string())));
    dispatch(&app, &hook).await;
    let bodies = received(&receiver).await;
    assert_eq!((kinds(&bodies), &bodies[0]["data"]["id"]), (vec!["order.placed"], &order["id"]));
}

#[tokio::test]
async fn nothing_is_left_of_a_webhook_that_was_deleted_while_it_was_sent_to() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let (hook, other) = (endpoint(&admin, &receiver, &[]).await, endpoint(&admin, &receiver, &[]).await);
    answering(&receiver, ResponseTemplate::new(500)).await;
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    dispatch(&app, &hook).await;
    dispatch(&app, &other).await;
    let database = database(&app).await;
    let deliveries = database.collection::<Document>("deliveries");
    let left = deliveries.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(deliveries.count_documents(doc! {}).await.unwrap(), 4);
    // As if a process had died between the endpoint and its deliveries.
    let endpoints = database.collection::<Document>("webhook_endpoints");
    endpoints.delete_one(doc! { "_id": left.get("webhookId").unwrap() }).await.unwrap();
    app.dispatcher.tidy().await.unwrap();
    assert_eq!(deliveries.count_documents(doc! {}).await.unwrap(), 2);
    dispatch(&app, &hook).await;
    assert_eq!(deliveries.count_documents(doc! {}).await.unwrap(), 2);
}

#[tokio::test]
async fn an_address_that_was_open_once_is_checked_again_at_every_connection() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let by_number = endpoint(&admin, &receiver, &["order.placed"]).await;
    let by_name = endpoint(&admin, &receiver, &["order.placed"]).await;
    // As if the name had led elsewhere when it was checked.
    let url = format!("http://localhost:{}/hooks", receiver.address().port());
    let named = patch(&admin, &by_name, json!({ "description": "by name" })).await;
    let endpoints = database(&app).await.collection::<Document>("webhook_endpoints");
    let this = doc! { "description": &named["description"].as_str() };
    endpoints.update_one(this, doc! { "$set": { "url": url } }).await.unwrap();
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    answering(&receiver, ResponseTemplate::new(200)).await;
    let mut settings = app.settings.clone();
    settings.webhooks.allowed_networks.clear();
    let closed = Application::build(settings).await.unwrap();
    for hook in [&by_number, &by_name] {
        let id = hook["id"].as_str().unwrap().parse().unwrap();
        while closed.dispatcher().dispatch_once(id).await.unwrap() {}
        let log = get(&admin, &path(hook, "/deliveries")).await;
        assert_eq!(log[0]["attempts"][0]["failure"], "refused_address");
    }
    assert_eq!(received(&receiver).await.len(), 0);
}
