//! Every route by role: what each kind of caller is answered.

use crate::app::{PASSWORD, TestApp, registration, send};
use common::ids::CustomerId;
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

/// Route, and the answers to: nobody, the owner, another customer, staff, an administrator.
const TABLE: [(&str, &str, [u16; 5]); 8] = [
    ("POST", "/customers", [201, 201, 201, 201, 201]),
    ("GET", "/customers", [401, 403, 403, 200, 200]),
    ("GET", "/customers/{owner}", [401, 200, 404, 200, 200]),
    ("PATCH", "/customers/{owner}", [401, 200, 404, 200, 200]),
    ("POST", "/auth/login", [200, 200, 200, 200, 200]),
    ("POST", "/auth/refresh", [401, 401, 401, 401, 401]),
    ("POST", "/auth/logout", [204, 204, 204, 204, 204]),
    ("GET", "/.well-known/jwks.json", [200, 200, 200, 200, 200]),
];

fn body_of(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("POST", "/customers") => Some(registration(&format!("{}@example.org", CustomerId::new()))),
        ("PATCH", _) => Some(json!({ "name": "Changed" })),
        (_, "/auth/login") => Some(json!({ "email": "owner@example.org", "password": PASSWORD })),
        (_, "/auth/refresh" | "/auth/logout") => Some(json!({ "refreshToken": "of nobody" })),
        _ => None,
    }
}

#[tokio::test]
async fn every_route_answers_each_role_as_the_table_says() {
    let app = TestApp::start().await;
    let owner = app.customer("owner@example.org").await;
    let callers = [
        None,
        Some(app.token_of(owner, Role::Customer)),
        Some(app.token(Role::Customer)),
        Some(app.token(Role::Staff)),
        Some(app.token(Role::Admin)),
    ];
    for (method, path, expected) in TABLE {
        for (token, expected) in callers.iter().zip(expected) {
            let target = path.replace("{owner}", &owner.to_string());
            let mut request = app.request(method.parse().unwrap(), &target);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some(body) = body_of(method, path) {
                request = request.json(&body);
            }
            let answer = send(request).await;
            assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_refused_even_where_none_is_needed() {
    let app = TestApp::start().await;
    let answer = app.register_as("of.no.one", &registration("ada@example.org")).await;
    assert_eq!(answer.problem(), (401, "unauthenticated"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn internal_calls_need_a_service_token_and_the_public_listener_has_none_of_them() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await.to_string();
    for token in [None, Some("another-service-token"), Some("")] {
        assert_eq!(app.standing(token, &id).await.problem(), (401, "unauthenticated"));
    }
    let path = format!("/internal/customers/{id}");
    let request = app.request(Method::GET, &path).header("x-service-token", "development-service-token");
    assert_eq!(send(request).await.problem(), (404, "no_such_path"));
}

#[tokio::test]
async fn the_wrong_method_is_refused_with_the_right_ones() {
    let app = TestApp::start().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/customers", "HEAD, GET, POST"),
        (Method::PUT, "/customers/1", "HEAD, GET, PATCH"),
        (Method::GET, "/auth/login", "POST"),
        (Method::POST, "/.well-known/jwks.json", "HEAD, GET"),
    ] {
        let answer = send(app.request(method, path)).await;
        assert_eq!(answer.problem(), (405, "method_not_allowed"));
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
}
