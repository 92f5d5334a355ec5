//! This service's log of events: customers by their identities, and nothing about the person.

use crate::app::{PASSWORD, TestApp, send, settings};
use common::events::collector::{Collector, Turn};
use common::http::peer::SERVICE_TOKEN;
use common::models::auth::Role;
use common::testing::server;
use customer_service::store::events::SOURCES;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_customer_is_told_without_anything_personal() {
    let settings = settings();
    let (database, events) = (settings.mongo.database.clone(), settings.events);
    let app = TestApp::start_with(settings).await;
    let database = mongodb::Client::with_uri_str(server("MONGO_URI")).await.unwrap().database(&database);
    let collect = async || {
        let mut collector = Collector::new(&database, events, &SOURCES);
        assert_eq!(collector.catch_up_and_leave().await.unwrap(), Turn::Idle);
    };
    let registered = app
        .register(&json!({ "email": "ada.secret@example.org", "password": PASSWORD, "name": "Ada Secret" }))
        .await;
    assert_eq!(registered.status, 201);
    collect().await;
    let staff = app.token(Role::Staff);
    let changed = app.change(&staff, registered.id(), None, &json!({ "name": "Ada Secretly" })).await;
    assert_eq!(changed.status, 200);
    collect().await;
    let client = common::http::peer::client().unwrap();
    let request = client.request(Method::GET, format!("{}/internal/events", app.internal_url));
    let answer = send(request.header(SERVICE_TOKEN, "development-service-token")).await;
    let told: Vec<(&Value, &Value)> = answer.body["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (&event["type"], &event["sequence"]))
        .collect();
    assert_eq!(told, [(&json!("customer.registered"), &json!(1)), (&json!("customer.updated"), &json!(2))]);
    let text = answer.body.to_string().to_lowercase();
    assert!(!text.contains("secret") && text.contains(&registered.id().to_string()), "{text}");
}
