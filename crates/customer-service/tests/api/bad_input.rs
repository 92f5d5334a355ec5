//! What is not as described is answered with the field and the rule, and writes nothing.

use crate::app::{PASSWORD, TestApp, send};
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

/// Field, value, and the pointer and code of the answer; the other fields are good.
fn bad_fields() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        ("email", json!(1), "/email", "wrong_type"),
        ("email", json!({ "$gt": "" }), "/email", "wrong_type"),
        ("email", json!(["ada@example.org"]), "/email", "wrong_type"),
        ("email", json!(""), "/email", "invalid_value"),
        ("email", json!("ada"), "/email", "invalid_value"),
        ("email", json!("ada@localhost"), "/email", "invalid_value"),
        ("email", json!("Ada <ada@example.org>"), "/email", "invalid_value"),
        ("email", json!("a\u{0}da@example.org"), "/email", "invalid_value"),
        ("email", json!(format!("{}@example.org", "a".repeat(250))), "/email", "invalid_value"),
        ("password", json!(12_345_678), "/password", "wrong_type"),
        ("password", json!({ "$ne": null }), "/password", "wrong_type"),
        ("password", json!("1234567"), "/password", "invalid_value"),
        ("password", json!("é".repeat(129)), "/password", "invalid_value"),
    ]
}

fn bad_names() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        ("name", json!(true), "/name", "wrong_type"),
        ("name", json!(""), "/name", "invalid_value"),
        ("name", json!(" \u{a0} "), "/name", "invalid_value"),
        ("name", json!("a\nb"), "/name", "invalid_value"),
        ("name", json!("n".repeat(201)), "/name", "invalid_value"),
        ("role", json!("admin"), "/role", "unknown_field"),
        ("$where", json!("1"), "/$where", "unknown_field"),
    ]
}

#[tokio::test]
async fn every_bad_field_of_a_registration_is_named_and_nobody_is_registered() {
    let app = TestApp::start().await;
    for (field, value, pointer, code) in bad_fields().into_iter().chain(bad_names()) {
        let mut body = json!({ "email": "ada@example.org", "password": PASSWORD, "name": "Ada" });
        body[field] = value;
        let answer = app.register(&body).await;
        assert_eq!(
            (answer.problem(), answer.field()),
            ((422, "validation_failed"), (pointer, code)),
            "{body}"
        );
    }
    for missing in ["email", "name"] {
        let mut body = json!({ "email": "ada@example.org", "password": PASSWORD, "name": "Ada" });
        body.as_object_mut().unwrap().remove(missing);
        let answer = app.register(&body).await;
        assert_eq!(answer.field(), (format!("/{missing}").as_str(), "missing_field"));
    }
    assert_eq!(app.list(&app.token(Role::Staff), "").await.body, json!([]));
}

#[tokio::test]
async fn every_bad_field_of_a_log_in_is_named() {
    let app = TestApp::start().await;
    for (field, value, pointer, code) in bad_fields() {
        let mut body = json!({ "email": "ada@example.org", "password": PASSWORD });
        body[field] = value;
        let answer = send(app.request(Method::POST, "/auth/login").json(&body)).await;
        assert_eq!((answer.status, answer.field()), (422, (pointer, code)), "{body}");
    }
}

#[tokio::test]
async fn every_bad_field_of_a_change_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    let emails = bad_fields().into_iter().filter(|(field, ..)| *field == "email");
    let password = ("password", json!(PASSWORD), "/password", "unknown_field");
    for (field, value, pointer, code) in emails.chain(bad_names()).chain([password]) {
        let mut body = json!({});
        body[field] = value;
        let answer = app.change(&token, id, None, &body).await;
        assert_eq!((answer.status, answer.field()), (422, (pointer, code)), "{body}");
    }
    let tag = app.change(&token, id, Some("W/\"1\""), &json!({ "name": "Ada" })).await;
    assert_eq!((tag.status, tag.field()), (422, ("header:If-Match", "invalid_value")));
    assert_eq!(app.read(&token, id).await.body["version"], 1);
}

#[tokio::test]
async fn every_bad_field_of_a_refresh_and_a_log_out_is_named() {
    let app = TestApp::start().await;
    for path in ["/auth/refresh", "/auth/logout"] {
        for (body, pointer, code) in [
            (json!({}), "/refreshToken", "missing_field"),
            (json!({ "refreshToken": 1 }), "/refreshToken", "wrong_type"),
            (json!({ "refreshToken": { "$ne": "" } }), "/refreshToken", "wrong_type"),
            (json!({ "refreshToken": "a", "token": "b" }), "/token", "unknown_field"),
            (json!(["a"]), "", "wrong_type"),
        ] {
            let answer = send(app.request(Method::POST, path).json(&body)).await;
            assert_eq!((answer.status, answer.field()), (422, (pointer, code)), "{path} {body}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_in_utf_8_of_64_kib_is_refused() {
    let app = TestApp::start().await;
    let post = |content_type: &str, body: Vec<u8>| {
        send(app.request(Method::POST, "/customers").header("content-type", content_type).body(body))
    };
    let json = "application/json";
    assert_eq!(post(json, b"".to_vec()).await.problem(), (400, "malformed_json"));
    assert_eq!(post(json, b"{\"email\":".to_vec()).await.problem(), (400, "malformed_json"));
    assert_eq!(post(json, b"{\"email\":\"\xff\"}".to_vec()).await.status, 400);
    assert_eq!(post(json, "[".repeat(20_000).into_bytes()).await.problem(), (400, "malformed_json"));
    assert_eq!(post("text/plain", b"{}".to_vec()).await.problem(), (415, "unsupported_media_type"));
    assert_eq!(post(json, vec![b' '; 70_000]).await.problem(), (413, "body_too_large"));
}

#[tokio::test]
async fn bad_paths_queries_and_headers_are_named() {
    let app = TestApp::start().await;
    let staff = app.token(Role::Staff);
    for id in ["1", "01890a5dac96774bbcceb302099a8057", "%7B%7D", "a%00b"] {
        let answer = send(app.request(Method::GET, &format!("/customers/{id}")).bearer_auth(&staff)).await;
        assert_eq!((answer.status, answer.field()), (422, ("path:id", "invalid_id")), "{id}");
    }
    for (query, pointer, code) in [
        ("?limit=0", "query:limit", "invalid_value"),
        ("?limit=201", "query:limit", "invalid_value"),
        ("?limit=x", "query:limit", "invalid_value"),
        ("?after=x", "query:after", "invalid_value"),
        ("?email=", "query:email", "invalid_value"),
        ("?name=", "query:name", "invalid_value"),
        ("?status=asleep", "query:status", "invalid_value"),
        ("?createdFrom=yesterday", "query:createdFrom", "invalid_value"),
        ("?name=a&after=x", "query:after", "invalid_value"),
        ("?colour=red", "query:colour", "unknown_field"),
    ] {
        let answer = app.list(&staff, query).await;
        assert_eq!((answer.status, answer.field()), (422, (pointer, code)), "{query}");
    }
    let long = "k".repeat(256);
    for key in ["", "a b", &long] {
        let answer = app.register_with_key(key, &crate::app::registration("ada@example.org")).await;
        assert_eq!((answer.status, answer.field()), (422, ("header:Idempotency-Key", "invalid_value")));
    }
}
