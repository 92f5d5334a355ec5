//! Sending: what arrives at a receiver, in which order, and what becomes of what does not.

use crate::app::{Someone, TestApp, problem};
use common::events::cursor::FeedCursor;
use common::ids::ProductId;
use common::models::auth::Role;
use mongodb::bson::{DateTime, Document, doc};
use order_service::startup::Application;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub async fn database(app: &TestApp) -> mongodb::Database {
    let client = mongodb::Client::with_uri_str(common::testing::server("MONGO_URI")).await.unwrap();
    client.database(&app.settings.mongo.database)
}

pub fn admin(app: &TestApp) -> Someone<'_> {
    app.someone(common::ids::CustomerId::new(), Role::Admin)
}

pub async fn post(admin: &Someone<'_>, path: &str, body: Value) -> Response {
    admin.request(Method::POST, path).json(&body).send().await.unwrap()
}

/// An endpoint at a receiver, from the front of the feed.
pub async fn endpoint(admin: &Someone<'_>, receiver: &MockServer, types: &[&str]) -> Value {
    let new = json!({
        "url": format!("{}/hooks", receiver.uri()), "types": types, "after": FeedCursor::default().to_string(),
    });
    let made = post(admin, "/webhooks", new).await;
    assert_eq!(made.status(), 201);
    made.json().await.unwrap()
}

pub fn path(endpoint: &Value, part: &str) -> String {
    format!("/webhooks/{}{part}", endpoint["id"].as_str().unwrap())
}

pub async fn get(admin: &Someone<'_>, path: &str) -> Value {
    let response = admin.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

/// Everything that is due is tried.
pub async fn dispatch(app: &TestApp, endpoint: &Value) {
    let id = endpoint["id"].as_str().unwrap().parse().unwrap();
    while app.dispatcher.dispatch_once(id).await.unwrap() {}
}

/// What waits for its next try waits no longer.
async fn hurry(app: &TestApp) {
    let database = database(app).await;
    let now = doc! { "$set": { "nextAttemptAt": DateTime::from_millis(0) } };
    database
        .collection::<Document>("deliveries")
        .update_many(doc! { "state": "pending" }, now)
        .await
        .unwrap();
    let rested = doc! { "$unset": { "restUntil": "" } };
    database.collection::<Document>("webhook_endpoints").update_many(doc! {}, rested).await.unwrap();
}

pub async fn answering(receiver: &MockServer, answer: ResponseTemplate) {
    receiver.reset().await;
    Mock::given(method("POST")).respond_with(answer).mount(receiver).await;
}

pub async fn received(receiver: &MockServer) -> Vec<Value> {
    let requests = receiver.received_requests().await.unwrap();
    requests.iter().map(|request: &Request| serde_json::from_slice(&request.body).unwrap()).collect()
}

pub fn kinds(bodies: &[Value]) -> Vec<&str> {
    bodies.iter().map(|body| body["type"].as_str().unwrap()).collect()
}

/// Polls until it is so: what a dispatcher that runs by itself has done can only be looked at.
async fn eventually(is_so: impl AsyncFn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < until, "it did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn events_are_sent_signed_once_each_and_the_log_says_so() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let hook = endpoint(&admin, &receiver, &["order.*"]).await;
    assert!(hook["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(get(&admin, &path(&hook, "")).await.get("secret"), None);
    let order = app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    answering(&receiver, ResponseTemplate::new(204)).await;
    dispatch(&app, &hook).await;
    dispatch(&app, &hook).await;
    let bodies = received(&receiver).await;
    assert_eq!(kinds(&bodies), ["order.placed", "order.confirmed"]);
    assert_eq!((&bodies[1]["data"]["id"], &bodies[1]["timestamp"]), (&order["id"], &bodies[1]["at"]));
    let requests = receiver.received_requests().await.unwrap();
    let headers = &requests[0].headers;
    assert_eq!(headers["webhook-id"].to_str().unwrap(), bodies[0]["id"].as_str().unwrap());
    assert!(headers["webhook-timestamp"].to_str().unwrap().parse::<i64>().unwrap() > 1_700_000_000);
    assert_eq!(headers["webhook-signature"].to_str().unwrap().split(' ').count(), 1);
    let log = get(&admin, &path(&hook, "/deliveries?state=delivered")).await;
    assert_eq!(log.as_array().unwrap().len(), 2);
    assert!(log.as_array().unwrap().iter().all(|delivery| delivery["attempts"][0]["status"] == 204));
    assert!(log.as_array().unwrap().iter().all(|delivery| delivery.get("body").is_none()));
    let mut sent = Vec::new();
    for delivery in log.as_array().unwrap() {
        let whole =
            get(&admin, &path(&hook, &format!("/deliveries/{}", delivery["id"].as_str().unwrap()))).await;
        sent.push(whole["body"].as_str().unwrap().to_owned());
    }
    assert!(
        requests.iter().all(|request| sent.contains(&String::from_utf8_lossy(&request.body).into_owned()))
    );
    // For a while both secrets sign.
    let rotated = post(&admin, &path(&hook, "/rotate-secret"), json!({ "overlapS": 60 })).await;
    let rotated: Value = rotated.json().await.unwrap();
    assert_ne!(rotated["secret"], hook["secret"]);
    assert_eq!(post(&admin, &path(&hook, "/test"), json!(null)).await.status(), 202);
    dispatch(&app, &hook).await;
    let requests = receiver.received_requests().await.unwrap();
    let last = requests.last().unwrap();
    assert_eq!(last.headers["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
    assert!(String::from_utf8_lossy(&last.body).contains("webhook.test"));
}

#[tokio::test]
async fn what_fails_holds_back_its_own_order_and_no_other() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let (admin, customer) = (admin(&app), app.customer());
    let hook = endpoint(&admin, &receiver, &[]).await;
    let unlucky = customer.placed(ProductId::new(), 1).await;
    customer.placed(ProductId::new(), 1).await;
    customer.went(&unlucky, "cancel", json!({})).await;
    app.collect().await;
    answering(&receiver, ResponseTemplate::new(200)).await;
    let unlucky = unlucky["id"].as_str().unwrap();
    Mock::given(body_string_contains(unlucky))
        .respond_with(ResponseTemplate::new(500).set_body_string("not now"))
        .with_priority(1)
        .mount(&receiver)
        .await;
    dispatch(&app, &hook).await;
    let of_unlucky = |bodies: &[Value]| {
        let theirs = bodies.iter().filter(|body| body["data"]["id"] == *unlucky);
        theirs.map(|body| body["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let bodies = received(&receiver).await;
    assert_eq!((bodies.len(), of_unlucky(&bodies)), (3, vec!["order.placed".to_owned()]));
    let pending = get(&admin, &path(&hook, "/deliveries?state=pending")).await;
    let failed =
        pending.as_array().unwrap().iter().find(|delivery| delivery["type"] == "order.placed").unwrap();
    let failed = get(&admin, &path(&hook, &format!("/deliveries/{}", failed["id"].as_str().unwrap()))).await;
    assert_eq!(
        (&failed["attempts"][0]["status"], &failed["attempts"][0]["answer"]),
        (&json!(500), &json!("not now"))
    );
    answering(&receiver, ResponseTemplate::new(200)).await;
    dispatch(&app, &hook).await;
    assert_eq!(received(&receiver).await, Vec::<Value>::new(), "before its time nothing is tried again");
    hurry(&app).await;
    dispatch(&app, &hook).await;
    let bodies = received(&receiver).await;
    assert_eq!(of_unlucky(&bodies), ["order.placed", "order.confirmed", "order.cancelled"]);
}

#[tokio::test]
async fn a_receiver_that_hangs_redirects_or_never_ends_is_borne() {
    let (app, receiver, elsewhere) =
        (TestApp::start().await, MockServer::start().await, MockServer::start().await);
    let admin = admin(&app);
    let hook = endpoint(&admin, &receiver, &["order.placed"]).await;
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    let last = async || {
        let log = get(&admin, &path(&hook, "/deliveries")).await;
        let id = log[0]["id"].as_str().unwrap();
        let whole = get(&admin, &path(&hook, &format!("/deliveries/{id}"))).await;
        whole["attempts"].as_array().unwrap().last().unwrap().clone()
    };
    answering(&receiver, ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    dispatch(&app, &hook).await;
    assert_eq!(last().await["failure"], "timed_out");
    hurry(&app).await;
    let away = ResponseTemplate::new(302).insert_header("location", format!("{}/", elsewhere.uri()).as_str());
    answering(&receiver, away).await;
    dispatch(&app, &hook).await;
    assert_eq!(last().await["status"], 302);
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
    hurry(&app).await;
    answering(&receiver, ResponseTemplate::new(200).set_body_string("x".repeat(10 * 1024 * 1024))).await;
    dispatch(&app, &hook).await;
    let attempt = last().await;
    assert_eq!((&attempt["status"], attempt["answer"].as_str().unwrap().len()), (&json!(200), 4096));
    assert_eq!(get(&admin, &path(&hook, "/deliveries")).await[0]["state"], "delivered");
}

#[tokio::test]
async fn a_receiver_that_hangs_keeps_no_other_waiting() {
    let (app, hanging, well) = (TestApp::start().await, MockServer::start().await, MockServer::start().await);
    let admin = admin(&app);
    let stuck = endpoint(&admin, &hanging, &["order.placed"]).await;
    let other = endpoint(&admin, &well, &["order.placed"]).await;
    for _ in 0..12 {
        app.customer().placed(ProductId::new(), 1).await;
    }
    app.collect().await;
    answering(&hanging, ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    answering(&well, ResponseTemplate::new(200)).await;
    let stop = CancellationToken::new();
    let mut settings = app.settings.clone();
    settings.webhooks.enabled = true;
    settings.http.public_port = 0;
    let running = tokio::spawn(Application::build(settings).await.unwrap().dispatcher().run(stop.clone()));
    eventually(async || received(&well).await.len() == 12).await;
    eventually(async || {
        let log = get(&admin, &path(&stuck, "/deliveries")).await;
        log.as_array().unwrap().iter().any(|delivery| delivery["attempts"][0]["failure"] == "timed_out")
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    // It is left alone after some failures, and what it did not take waits.
    let log = get(&admin, &path(&stuck, "/deliveries")).await;
    assert!(log.as_array().unwrap().iter().all(|delivery| delivery["state"] == "pending"));
    let log = get(&admin, &path(&other, "/deliveries?state=delivered")).await;
    assert_eq!(log.as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn a_receiver_says_when_to_come_back_and_when_never_to() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let (admin, customer) = (admin(&app), app.customer());
    let hook = endpoint(&admin, &receiver, &["order.placed"]).await;
    for _ in 0..3 {
        customer.placed(ProductId::new(), 1).await;
    }
    app.collect().await;
    answering(&receiver, ResponseTemplate::new(429).insert_header("retry-after", "3600")).await;
    dispatch(&app, &hook).await;
    let tried = received(&receiver).await.len();
    assert!((1..=3).contains(&tried), "{tried}");
    dispatch(&app, &hook).await;
    assert_eq!(received(&receiver).await.len(), tried, "it asked to be left alone");
    hurry(&app).await;
    answering(&receiver, ResponseTemplate::new(410)).await;
    dispatch(&app, &hook).await;
    let shown = get(&admin, &path(&hook, "")).await;
    assert_eq!((&shown["status"], &shown["disabledBecause"]), (&json!("disabled"), &json!("gone")));
    answering(&receiver, ResponseTemplate::new(200)).await;
    hurry(&app).await;
    dispatch(&app, &hook).await;
    assert_eq!(received(&receiver).await.len(), 0);
    assert_eq!(problem(post(&admin, &path(&hook, "/test"), json!(null)).await).await.1, "webhook_not_active");
    let resumed = post(&admin, &path(&hook, "/resume"), json!(null)).await;
    assert_eq!(resumed.json::<Value>().await.unwrap()["status"], "active");
    dispatch(&app, &hook).await;
    assert_eq!(received(&receiver).await.len(), 3);
}

#[tokio::test]
async fn only_another_address_or_a_resumption_ends_the_rest_that_a_receiver_asked_for() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let (admin, customer) = (admin(&app), app.customer());
    let hook = endpoint(&admin, &receiver, &["order.placed"]).await;
    let change = async |change: Value| {
        let changed = admin.request(Method::PATCH, &path(&hook, "")).json(&change).send().await.unwrap();
        assert_eq!(changed.status(), 200, "{change}");
    };
    let new_order = async || {
        customer.placed(ProductId::new(), 1).await;
        app.collect().await;
        dispatch(&app, &hook).await;
    };
    let resting = ResponseTemplate::new(429).insert_header("retry-after", "3600");
    answering(&receiver, resting.clone()).await;
    new_order().await;
    answering(&receiver, ResponseTemplate::new(200)).await;
    change(json!({ "description": "asks for rests", "types": [] })).await;
    assert_eq!(post(&admin, &path(&hook, "/rotate-secret"), json!({})).await.status(), 200);
    new_order().await;
    assert_eq!(received(&receiver).await.len(), 0, "it asked to be left alone");
    change(json!({ "url": format!("{}/elsewhere", receiver.uri()) })).await;
    dispatch(&app, &hook).await;
    // The one that was tried waits for its own time.
    assert_eq!(kinds(&received(&receiver).await), ["order.placed", "order.confirmed"]);
    answering(&receiver, resting).await;
    new_order().await;
    answering(&receiver, ResponseTemplate::new(200)).await;
    assert_eq!(post(&admin, &path(&hook, "/resume"), json!(null)).await.status(), 200);
    new_order().await;
    assert_eq!(kinds(&received(&receiver).await), ["order.placed", "order.confirmed"]);
}

#[tokio::test]
async fn what_was_given_up_and_what_was_sent_can_be_sent_again() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let hook = endpoint(&admin, &receiver, &[]).await;
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    answering(&receiver, ResponseTemplate::new(500)).await;
    dispatch(&app, &hook).await;
    // Its last try.
    let deliveries = database(&app).await.collection::<Document>("deliveries");
    deliveries.update_many(doc! {}, doc! { "$set": { "tries": 9_i64 } }).await.unwrap();
    hurry(&app).await;
    dispatch(&app, &hook).await;
    let dead = get(&admin, &path(&hook, "/deliveries?state=dead")).await;
    assert_eq!(dead.as_array().unwrap().len(), 2);
    answering(&receiver, ResponseTemplate::new(200)).await;
    let again = post(&admin, &path(&hook, "/replay"), json!({ "dead": true })).await;
    assert_eq!(
        (again.status().as_u16(), again.json::<Value>().await.unwrap()["dead"].clone()),
        (202, json!(2))
    );
    dispatch(&app, &hook).await;
    let first = received(&receiver).await;
    assert_eq!(kinds(&first), ["order.placed", "order.confirmed"]);
    let range = json!({ "after": first[0]["cursor"] });
    assert_eq!(post(&admin, &path(&hook, "/replay"), range).await.status(), 202);
    dispatch(&app, &hook).await;
    let all = received(&receiver).await;
    assert_eq!(kinds(&all), ["order.placed", "order.confirmed", "order.confirmed"]);
    // The receiver knows by the id that it has it already.
    assert_eq!(all[1]["id"], all[2]["id"]);
}

#[tokio::test]
async fn every_try_changes_the_entity_tag_of_a_delivery_though_only_the_last_are_remembered() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let hook = endpoint(&admin, &receiver, &["order.placed"]).await;
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    answering(&receiver, ResponseTemplate::new(500)).await;
    dispatch(&app, &hook).await;
    let log = get(&admin, &path(&hook, "/deliveries")).await;
    let delivery = path(&hook, &format!("/deliveries/{}", log[0]["id"].as_str().unwrap()));
    // As if it had been given up and revived before, often enough.
    let deliveries = database(&app).await.collection::<Document>("deliveries");
    let one = deliveries.find_one(doc! {}).await.unwrap().unwrap();
    let attempts = vec![one.get_array("attempts").unwrap()[0].clone(); 20];
    deliveries.update_one(doc! {}, doc! { "$set": { "attempts": attempts } }).await.unwrap();
    let mut tags = BTreeSet::new();
    for _ in 0..3 {
        let shown = admin.get(&delivery).await;
        tags.insert(shown.headers()["etag"].to_str().unwrap().to_owned());
        assert_eq!(shown.json::<Value>().await.unwrap()["attempts"].as_array().unwrap().len(), 20);
        hurry(&app).await;
        dispatch(&app, &hook).await;
    }
    assert_eq!(tags.len(), 3, "{tags:?}");
}

#[tokio::test]
async fn a_paused_webhook_misses_nothing() {
    let (app, receiver) = (TestApp::start().await, MockServer::start().await);
    let admin = admin(&app);
    let hook = endpoint(&admin, &receiver, &["order.placed"]).await;
    answering(&receiver, ResponseTemplate::new(200)).await;
    assert_eq!(post(&admin, &path(&hook, "/pause"), json!(null)).await.status(), 200);
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    dispatch(&app, &hook).await;
    assert_eq!(received(&receiver).await.len(), 0);
    assert_eq!(post(&admin, &path(&hook, "/resume"), json!(null)).await.status(), 200);
    dispatch(&app, &hook).await;
    assert_eq!(received(&receiver).await.len(), 1);
    let gone = admin.request(Method::DELETE, &path(&hook, "")).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(admin.get(&path(&hook, "/deliveries")).await.status(), 404);
}
