//! Export, erasure and the audit trail, with stand-ins for the other services.

use crate::app::{Answer, PASSWORD, TestApp, send, settings, settings_with_admin};
use common::audit::{AuditFilter, AuditPage};
use common::http::page::Limit;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::auth::Role;
use customer_service::config::{Settings, SweeperSettings};
use customer_service::workflows::erase_customer::sweep_erasures;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// As if the account had been closed long ago.
const SETTLED: SweeperSettings = SweeperSettings { interval_ms: 1, settled_after_ms: 0 };

async fn app_with(mut settings: Settings, orders: &MockServer, products: &MockServer) -> TestApp {
    settings.peers.order_url = orders.uri();
    settings.peers.product_url = products.uri();
    TestApp::start_with(settings).await
}

async fn post(app: &TestApp, token: &str, path: &str, body: &Value) -> Answer {
    send(app.request(Method::POST, path).bearer_auth(token).json(body)).await
}

async fn export(app: &TestApp, token: &str, id: CustomerId) -> Answer {
    send(app.request(Method::GET, &format!("/customers/{id}/export")).bearer_auth(token)).await
}

fn order(city: &str) -> Value {
    let id = CustomerId::new();
    json!({
        "order": {
            "id": id, "customerId": id, "status": "confirmed", "fulfillmentStatus": "unfulfilled", "lines": [],
            "shippingAddress": { "recipient": "Ada Lovelace", "lines": ["1"], "city": city, "country": "GB" },
            "version": 2, "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
        },
        "history": [{ "at": "2026-01-01T00:00:00.000Z", "actor": id, "event": "placed" }],
    })
}

/// Two pages of orders.
async fn hold_orders(orders: &MockServer) {
    let held = "^/internal/customers/[^/]+/orders$";
    Mock::given(method("GET"))
        .and(path_regex(held))
        .and(query_param_is_missing("after"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "orders": [order("Leeds"), order("York")], "next": "c" })),
        )
        .mount(orders)
        .await;
    Mock::given(method("GET"))
        .and(path_regex(held))
        .and(query_param("after", "c"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "orders": [order("Bath")] })))
        .mount(orders)
        .await;
}

async fn answer_erasures(orders: &MockServer, status: u16, times: u64) {
    Mock::given(method("POST"))
        .and(path_regex("^/internal/customers/[^/]+/erase$"))
        .respond_with(ResponseTemplate::new(status).set_body_json(json!({ "erased": 1 })))
        .up_to_n_times(times)
        .mount(orders)
        .await;
}

#[tokio::test]
async fn an_export_holds_everything_of_a_person_and_no_secret() {
    let (orders, products) = (MockServer::start().await, MockServer::start().await);
    hold_orders(&orders).await;
    let app = app_with(settings(), &orders, &products).await;
    let id = app.customer("ada@example.org").await;
    let session = app.log_in("ada@example.org", PASSWORD).await;
    let token = session.text("accessToken");
    let address =
        json!({ "recipient": "Ada", "lines": ["1 Main Street"], "city": "London", "country": "GB" });
    assert_eq!(post(&app, token, &format!("/customers/{id}/addresses"), &address).await.status, 201);
    let exported = export(&app, token, id).await;
    assert_eq!((exported.status, exported.header("content-type")), (200, Some("application/json")));
    assert_eq!(exported.body["customer"]["email"], "ada@example.org");
    assert_eq!(exported.body["addresses"][0]["city"], "London");
    assert_eq!(exported.body["sessions"].as_array().unwrap().len(), 1);
    let cities: Vec<_> = exported.body["orders"].as_array().unwrap().iter().collect();
    let cities: Vec<_> = cities.iter().map(|held| &held["order"]["shippingAddress"]["city"]).collect();
    assert_eq!(json!(cities), json!(["Leeds", "York", "Bath"]));
    let events = exported.body["auditEvents"].as_array().unwrap();
    let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert!(actions.ends_with(&["customer.address_added", "customer.registered"]), "{actions:?}");
    assert_eq!(actions[0], "customer.exported");
    let text = exported.body.to_string().to_lowercase();
    assert!(!text.contains("hash") && !text.contains("argon2") && !text.contains("salt"), "{text}");
}

#[tokio::test]
async fn an_export_is_for_its_owner_and_staff_and_whole_or_not_at_all() {
    let (orders, products) = (MockServer::start().await, MockServer::start().await);
    hold_orders(&orders).await;
    let app = app_with(settings(), &orders, &products).await;
    let id = app.customer("ada@example.org").await;
    assert_eq!(export(&app, &app.token(Role::Customer), id).await.problem(), (404, "not_found"));
    assert_eq!(export(&app, &app.token(Role::Staff), id).await.status, 200);
    assert_eq!(export(&app, &app.token(Role::Staff), CustomerId::new()).await.problem(), (404, "not_found"));
    let without_orders = TestApp::start().await;
    let id = without_orders.customer("ada@example.org").await;
    let refused = export(&without_orders, &without_orders.token(Role::Staff), id).await;
    assert_eq!(refused.problem(), (503, "unavailable"));
}

#[tokio::test]
async fn nothing_personal_is_left_of_an_erased_customer() {
    let (orders, products) = (MockServer::start().await, MockServer::start().await);
    answer_erasures(&orders, 200, 1).await;
    Mock::given(method("GET"))
        .and(path_regex("/orders$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "orders": [] })))
        .mount(&orders)
        .await;
    let app = app_with(settings_with_admin(), &orders, &products).await;
    let id = app.customer("ada@example.org").await;
    let session = app.log_in("ada@example.org", PASSWORD).await;
    let token = session.text("accessToken");
    let address =
        json!({ "recipient": "Ada", "lines": ["1 Main Street"], "city": "London", "country": "GB" });
    assert_eq!(post(&app, token, &format!("/customers/{id}/addresses"), &address).await.status, 201);
    assert_eq!(app.change(token, id, None, &json!({ "phone": "+4930123456" })).await.status, 200);
    let erase = format!("/customers/{id}/erase");
    assert_eq!(post(&app, token, &erase, &json!({})).await.field(), ("/currentPassword", "missing_field"));
    let wrong = post(&app, token, &erase, &json!({ "currentPassword": "a wild guess" })).await;
    assert_eq!(wrong.field(), ("/currentPassword", "wrong_password"));
    let proof = json!({ "currentPassword": PASSWORD });
    assert_eq!(post(&app, token, &erase, &proof).await.status, 204);
    assert_eq!(post(&app, token, &erase, &proof).await.status, 204);
    assert_eq!(app.refresh(session.text("refreshToken")).await.status, 401);
    assert_eq!(app.log_in("ada@example.org", PASSWORD).await.status, 401);
    let staff = app.token(Role::Staff);
    let exported = export(&app, &staff, id).await;
    assert_eq!(exported.status, 200);
    let mut theirs = exported.body.clone();
    // What staff did with the account tells of staff.
    theirs["auditEvents"].as_array_mut().unwrap().retain(|event| event["actor"]["id"] == id.to_string());
    let text = theirs.to_string();
    for personal in ["ada", "Ada", "Lovelace", "London", "4930", "127.0.0.1", "example.org"] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    assert_eq!(
        (exported.body["addresses"].clone(), exported.body["sessions"].clone()),
        (json!([]), json!([]))
    );
    // The address is free again, and the erased account stays erased.
    app.customer("ada@example.org").await;
    let changed = app.change(&app.token(Role::Admin), id, None, &json!({ "name": "Ada" })).await;
    assert_eq!(changed.problem(), (409, "customer_erased"));
}

#[tokio::test]
async fn orders_that_could_not_be_erased_are_erased_by_the_sweeper_until_it_is_certain() {
    let (orders, products) = (MockServer::start().await, MockServer::start().await);
    answer_erasures(&orders, 503, 2).await;
    let app = app_with(settings(), &orders, &products).await;
    let id = app.customer("ada@example.org").await;
    let admin = app.token(Role::Admin);
    assert_eq!(post(&app, &admin, &format!("/customers/{id}/erase"), &json!({})).await.status, 204);
    sweep_erasures(&app.state, &SETTLED).await;
    assert_eq!(app.state.customers.erasures_due().await.unwrap().len(), 1);
    answer_erasures(&orders, 200, 2).await;
    let not_settled = SweeperSettings { settled_after_ms: 3_600_000, ..SETTLED };
    sweep_erasures(&app.state, &not_settled).await;
    assert_eq!(app.state.customers.erasures_due().await.unwrap().len(), 1);
    sweep_erasures(&app.state, &SETTLED).await;
    assert!(app.state.customers.erasures_due().await.unwrap().is_empty());
    sweep_erasures(&app.state, &SETTLED).await;
    assert_eq!(orders.received_requests().await.unwrap().len(), 4);
}

#[tokio::test]
async fn staff_erase_nobody_and_the_last_administrator_is_not_erased() {
    let (orders, products) = (MockServer::start().await, MockServer::start().await);
    let app = app_with(settings_with_admin(), &orders, &products).await;
    let id = app.customer("ada@example.org").await;
    let path = format!("/customers/{id}/erase");
    assert_eq!(post(&app, &app.token(Role::Staff), &path, &json!({})).await.problem(), (403, "forbidden"));
    assert_eq!(post(&app, &app.token(Role::Customer), &path, &json!({})).await.problem(), (404, "not_found"));
    let admins = app.list(&app.token(Role::Admin), "?email=admin%40").await;
    let path = format!("/customers/{}/erase", admins.body[0]["id"].as_str().unwrap());
    assert_eq!(post(&app, &app.token(Role::Admin), &path, &json!({})).await.problem(), (409, "last_admin"));
}

/// One entry of another service's trail.
async fn tell(service: &MockServer, entry: AuditEvent) {
    Mock::given(method("POST"))
        .and(path("/internal/audit-events"))
        .respond_with(move |request: &wiremock::Request| {
            let asked: AuditPage = serde_json::from_slice(&request.body).unwrap();
            let comes = asked.after.is_none_or(|after| (entry.at, entry.id.uuid()) < (after.at, after.id));
            let page = if comes { vec![entry.clone()] } else { Vec::new() };
            ResponseTemplate::new(200).set_body_json(page)
        })
        .mount(service)
        .await;
}

#[tokio::test]
async fn the_trail_is_one_list_of_all_services_and_its_pages_join() {
    let (orders, products) = (MockServer::start().await, MockServer::start().await);
    let app = app_with(settings(), &orders, &products).await;
    for number in 0..3 {
        app.customer(&format!("customer-{number}@example.org")).await;
    }
    let foreign = |action: &'static str, kind| {
        AuditEvent::new(AuditActor::service("another"), action, AuditSubject::new(kind, "1"))
    };
    let of_products = foreign("product.changed", SubjectKind::Product);
    app.customer("customer-3@example.org").await;
    tell(&products, of_products).await;
    tell(&orders, foreign("webhook.created", SubjectKind::Webhook)).await;
    let admin = app.token(Role::Admin);
    let (mut next, mut actions) = (Some("/audit-events?limit=2".to_owned()), Vec::new());
    while let Some(path) = next {
        let page = send(app.request(Method::GET, &path).bearer_auth(&admin)).await;
        assert_eq!(page.status, 200, "{page:?}");
        for event in page.body.as_array().unwrap() {
            actions.push(event["action"].as_str().unwrap().to_owned());
        }
        next = page
            .header("link")
            .map(|link| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned());
    }
    let registered = "customer.registered".to_owned();
    let (product, webhook) = ("product.changed".to_owned(), "webhook.created".to_owned());
    let expected = [&webhook, &registered, &product, &registered, &registered, &registered];
    assert_eq!(actions.iter().collect::<Vec<_>>(), expected);
    assert_eq!(
        send(app.request(Method::GET, "/audit-events").bearer_auth(app.token(Role::Staff))).await.status,
        403
    );
}

#[tokio::test]
async fn a_trail_with_holes_is_no_answer() {
    let app = TestApp::start().await;
    let answer = send(app.request(Method::GET, "/audit-events").bearer_auth(app.token(Role::Admin))).await;
    assert_eq!(answer.problem(), (503, "unavailable"));
}

#[tokio::test]
async fn everybody_is_exported_for_staff_without_what_they_log_in_with_and_it_is_told_who_took_it() {
    let app = TestApp::start_with(settings_with_admin()).await;
    let ids = [app.customer("ada@example.org").await, app.customer("bob@example.org").await];
    let export = async |token: &str, query: &str| {
        let path = format!("/customers/export{query}");
        app.request(Method::GET, &path).bearer_auth(token).send().await.unwrap()
    };
    let staff = app.token(Role::Staff);
    let response = export(&staff, "?format=ndjson").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    let found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // With the administrator.
    assert_eq!(found.len(), 3);
    assert!(ids.iter().all(|id| found.iter().any(|customer| customer["id"] == json!(id))));
    let lower = text.to_lowercase();
    assert!(!lower.contains("hash") && !lower.contains("argon2") && !lower.contains("fingerprint"), "{text}");
    let csv = export(&staff, "").await.text().await.unwrap();
    assert!(csv.starts_with("id,email,emailVerified,name,") && csv.lines().count() == 4, "{csv}");
    assert_eq!(export(&app.token(Role::Customer), "").await.status(), 403);
    assert_eq!(export(&staff, "?format=xml").await.status(), 422);
    let filter = AuditFilter { action: Some("customer.all_exported".into()), ..AuditFilter::default() };
    assert_eq!(app.state.audit.list(&filter, None, Limit::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn customers_are_found_by_identity_and_address_in_one_call() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.customer("Ada@Example.org").await, app.customer("bob@example.org").await);
    let find = async |body: Value| {
        let request = app.internal("/internal/customers/find").json(&body);
        send(request).await
    };
    let asked = json!({ "ids": [bob, CustomerId::new()], "emails": ["ada@example.ORG", "eve@example.org"] });
    let found = find(asked).await;
    assert_eq!(found.status, 200, "{found:?}");
    let found = found.body["customers"].as_array().unwrap().clone();
    assert_eq!(found.len(), 2);
    assert!(found.contains(&json!({ "id": ada, "emailKey": "ada@example.org" })));
    assert!(found.contains(&json!({ "id": bob, "emailKey": "bob@example.org" })));
    let many: Vec<CustomerId> = (0..=2_000).map(|_| CustomerId::new()).collect();
    assert_eq!(find(json!({ "ids": many, "emails": [] })).await.status, 422);
}
