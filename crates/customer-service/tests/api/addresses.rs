//! Addresses of a customer.

use crate::app::{Answer, TestApp, send};
use common::ids::{AddressId, CustomerId};
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

fn address(city: &str) -> Value {
    json!({
        "label": "home", "recipient": "Ada Lovelace", "lines": ["12 St James's Square"], "city": city,
        "region": "Greater London", "postalCode": "SW1Y 4JH", "country": "GB", "phone": "+442079460000",
    })
}

async fn call(app: &TestApp, method: Method, token: &str, path: &str, body: Option<&Value>) -> Answer {
    let mut request = app.request(method, path).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    send(request).await
}

async fn add(app: &TestApp, token: &str, id: CustomerId, body: &Value) -> Answer {
    call(app, Method::POST, token, &format!("/customers/{id}/addresses"), Some(body)).await
}

async fn list(app: &TestApp, token: &str, id: CustomerId) -> Answer {
    call(app, Method::GET, token, &format!("/customers/{id}/addresses"), None).await
}

async fn owner(app: &TestApp) -> (CustomerId, String) {
    let id = app.customer("ada@example.org").await;
    (id, app.token_of(id, Role::Customer))
}

#[tokio::test]
async fn an_address_is_found_where_the_answer_says_and_the_first_is_the_default() {
    let app = TestApp::start().await;
    let (id, token) = owner(&app).await;
    let first = add(&app, &token, id, &address("London")).await;
    assert_eq!((first.status, first.header("etag")), (201, Some("\"2\"")));
    assert_eq!((&first.body["defaultShipping"], &first.body["defaultBilling"]), (&json!(true), &json!(true)));
    let path = format!("/customers/{id}/addresses/{}", first.text("id"));
    assert_eq!(first.header("location"), Some(path.as_str()));
    let mut second = address("Leeds");
    second["defaultShipping"] = json!(true);
    assert_eq!(add(&app, &token, id, &second).await.status, 201);
    let listed = list(&app, &token, id).await;
    let cities: Vec<_> = listed.body.as_array().unwrap().iter().map(|entry| &entry["city"]).collect();
    assert_eq!((json!(cities), listed.header("etag")), (json!(["Leeds", "London"]), Some("\"3\"")));
    assert_eq!(
        (&listed.body[0]["defaultShipping"], &listed.body[0]["defaultBilling"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&listed.body[1]["defaultShipping"], &listed.body[1]["defaultBilling"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn an_address_is_changed_and_removed_by_the_version_that_was_seen() {
    let app = TestApp::start().await;
    let (id, token) = owner(&app).await;
    let added = add(&app, &token, id, &address("London")).await;
    let path = format!("/customers/{id}/addresses/{}", added.text("id"));
    let changed =
        call(&app, Method::PATCH, &token, &path, Some(&json!({ "city": "York", "region": null }))).await;
    assert_eq!((changed.status, changed.text("city"), &changed.body["region"]), (200, "York", &Value::Null));
    let stale = app.request(Method::DELETE, &path).bearer_auth(&token).header("if-match", "\"2\"");
    assert_eq!(send(stale).await.problem(), (412, "version_mismatch"));
    let kept = call(&app, Method::PATCH, &token, &path, Some(&json!({ "defaultBilling": false }))).await;
    assert_eq!((kept.status, kept.field()), (422, ("/defaultBilling", "default_needed")));
    assert_eq!(call(&app, Method::DELETE, &token, &path, None).await.status, 204);
    assert_eq!(call(&app, Method::DELETE, &token, &path, None).await.problem(), (404, "not_found"));
    assert_eq!(list(&app, &token, id).await.body, json!([]));
}

#[tokio::test]
async fn an_address_added_again_with_its_key_is_the_same() {
    let app = TestApp::start().await;
    let (id, token) = owner(&app).await;
    let path = format!("/customers/{id}/addresses");
    let keyed = |body: Value| {
        send(app.request(Method::POST, &path).bearer_auth(&token).header("idempotency-key", "1").json(&body))
    };
    let first = keyed(address("London")).await;
    let again = keyed(address("London")).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(again.body, first.body);
    assert_eq!(keyed(address("Leeds")).await.problem(), (422, "idempotency_key_reused"));
    assert_eq!(list(&app, &token, id).await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_customer_has_at_most_fifty_addresses() {
    let app = TestApp::start().await;
    let (id, token) = owner(&app).await;
    for _ in 0..50 {
        assert_eq!(add(&app, &token, id, &address("London")).await.status, 201);
    }
    assert_eq!(add(&app, &token, id, &address("London")).await.problem(), (409, "too_many_addresses"));
}

#[tokio::test]
async fn every_bad_field_of_an_address_is_named() {
    let app = TestApp::start().await;
    let (id, token) = owner(&app).await;
    for (field, value, pointer, code) in [
        ("country", json!("XX"), "/country", "invalid_value"),
        ("country", json!("gb"), "/country", "invalid_value"),
        ("lines", json!([]), "/lines", "invalid_value"),
        ("lines", json!(["1", "2", "3", "4", "5"]), "/lines", "invalid_value"),
        ("lines", json!([""]), "/lines/0", "invalid_value"),
        ("city", json!("c".repeat(101)), "/city", "invalid_value"),
        ("phone", json!("020"), "/phone", "invalid_value"),
        ("recipient", json!("a\nb"), "/recipient", "invalid_value"),
        ("default", json!(true), "/default", "unknown_field"),
    ] {
        let mut body = address("London");
        body[field] = value;
        let answer = add(&app, &token, id, &body).await;
        assert_eq!((answer.status, answer.field()), (422, (pointer, code)), "{body}");
    }
    let bad_path = format!("/customers/{id}/addresses/1");
    let answer = call(&app, Method::DELETE, &token, &bad_path, None).await;
    assert_eq!((answer.status, answer.field()), (422, ("path:addressId", "invalid_id")));
}

#[tokio::test]
async fn the_addresses_of_others_do_not_exist_and_staff_see_them() {
    let app = TestApp::start().await;
    let (id, token) = owner(&app).await;
    let added = add(&app, &token, id, &address("London")).await;
    let path = format!("/customers/{id}/addresses/{}", added.text("id"));
    let eve = app.token(Role::Customer);
    assert_eq!(list(&app, &eve, id).await.problem(), (404, "not_found"));
    assert_eq!(call(&app, Method::DELETE, &eve, &path, None).await.problem(), (404, "not_found"));
    assert_eq!(list(&app, &app.token(Role::Staff), id).await.status, 200);
}

#[tokio::test]
async fn our_own_services_read_an_address_by_its_customer() {
    let app = TestApp::start().await;
    let (id, token) = owner(&app).await;
    let added = add(&app, &token, id, &address("London")).await;
    let read = app.internal_address(id, added.text("id")).await;
    assert_eq!((read.status, read.text("city"), read.text("country")), (200, "London", "GB"));
    assert!(read.body.get("label").is_none() && read.body.get("id").is_none());
    assert_eq!(app.internal_address(CustomerId::new(), added.text("id")).await.status, 404);
    assert_eq!(app.internal_address(id, &AddressId::new().to_string()).await.status, 404);
}
