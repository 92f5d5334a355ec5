//! API keys: made and ended by administrators, good wherever a token is.

use crate::app::{Answer, TestApp, registration, send, settings};
use common::auth::api_key::ApiKeyText;
use common::http::peer::SERVICE_TOKEN;
use common::ids::{ApiKeyId, CustomerId};
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

async fn create(app: &TestApp, token: &str, body: &Value) -> Answer {
    send(app.request(Method::POST, "/api-keys").bearer_auth(token).json(body)).await
}

async fn create_under(app: &TestApp, token: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, "/api-keys").bearer_auth(token).header("idempotency-key", key);
    send(request.json(body)).await
}

async fn get(app: &TestApp, token: &str, path: &str) -> Answer {
    send(app.request(Method::GET, path).bearer_auth(token)).await
}

async fn revoke(app: &TestApp, token: &str, id: &str) -> Answer {
    send(app.request(Method::DELETE, &format!("/api-keys/{id}")).bearer_auth(token)).await
}

async fn verify(app: &TestApp, key: &ApiKeyText) -> Answer {
    let client = common::http::peer::client().unwrap();
    let request = client.post(format!("{}/internal/api-keys/verify", app.internal_url));
    send(request.header(SERVICE_TOKEN, "development-service-token").json(&key.presented())).await
}

fn new_key(scopes: &[&str]) -> Value {
    json!({ "name": "warehouse", "scopes": scopes })
}

#[tokio::test]
async fn a_key_is_shown_once_and_listed_without_its_secret() {
    let app = TestApp::start().await;
    let admin = app.token(Role::Admin);
    let created = create(&app, &admin, &new_key(&["customers:read", "orders:read"])).await;
    assert_eq!((created.status, created.header("etag")), (201, Some("\"1\"")));
    let key = created.text("key");
    assert!(key.starts_with(&format!("oms_{}_", created.text("id"))) && key.len() == 84, "{key}");
    let path = format!("/api-keys/{}", created.text("id"));
    assert_eq!(created.header("location"), Some(path.as_str()));
    let (listed, one) = (get(&app, &admin, "/api-keys").await, get(&app, &admin, &path).await);
    assert_eq!(listed.body, json!([one.body]));
    assert_eq!(one.body["scopes"], json!(["orders:read", "customers:read"]));
    assert_eq!((one.text("name"), &one.body["lastUsedAt"]), ("warehouse", &Value::Null));
    assert!(one.body.get("key").is_none() && !listed.body.to_string().contains("ash"));
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_no_more() {
    let app = TestApp::start().await;
    let admin = app.token(Role::Admin);
    let id = app.customer("ada@example.org").await;
    let created = create(&app, &admin, &new_key(&["customers:read"])).await;
    let key = created.text("key");
    assert_eq!(app.read(key, id).await.status, 200);
    assert_eq!(app.list(key, "").await.status, 200);
    let change = app.change(key, id, None, &json!({ "name": "Changed" })).await;
    assert_eq!(change.problem(), (403, "insufficient_scope"));
    assert_eq!(app.read(key, CustomerId::new()).await.problem(), (404, "not_found"));
    for path in ["/api-keys", "/api-keys/01890a5d-ac96-774b-bcce-b302099a8057"] {
        assert_eq!(get(&app, key, path).await.problem(), (403, "forbidden"));
    }
    let used = get(&app, &admin, &format!("/api-keys/{}", created.text("id"))).await;
    assert!(used.text("lastUsedAt").ends_with(":00.000Z"), "{used:?}");

    let writing = create(&app, &admin, &new_key(&["customers:write"])).await;
    let body = json!({ "email": "new@example.org", "name": "Without a password" });
    assert_eq!(app.register_as(writing.text("key"), &body).await.status, 201);
    let no_scope = app.read(writing.text("key"), CustomerId::new()).await;
    assert_eq!(no_scope.problem(), (403, "insufficient_scope"));
}

#[tokio::test]
async fn a_key_with_every_scope_is_no_administrator() {
    let app = TestApp::start_with(crate::app::settings_with_admin()).await;
    let admin = app.token(Role::Admin);
    let every: Vec<&str> =
        common::models::auth::Scope::ALL.into_iter().map(common::models::auth::Scope::as_str).collect();
    let created = create(&app, &admin, &new_key(&every)).await;
    let key = created.text("key");
    assert_eq!(create(&app, key, &new_key(&["orders:read"])).await.problem(), (403, "forbidden"));
    assert_eq!(revoke(&app, key, created.text("id")).await.problem(), (403, "forbidden"));
    let admins = app.list(&admin, "?email=admin%40example.org").await;
    let id: CustomerId = admins.body[0]["id"].as_str().unwrap().parse().unwrap();
    let taken_over = app.change(key, id, None, &json!({ "email": "me@example.org" })).await;
    assert_eq!(taken_over.problem(), (403, "forbidden"));
    let role = app.request(Method::PUT, &format!("/customers/{id}/role")).bearer_auth(key);
    assert_eq!(send(role.json(&json!({ "role": "customer" }))).await.problem(), (403, "forbidden"));
}

#[tokio::test]
async fn a_revoked_an_expired_and_an_unknown_key_are_not_good() {
    let app = TestApp::start().await;
    let admin = app.token(Role::Admin);
    let created = create(&app, &admin, &new_key(&["orders:read"])).await;
    let key = ApiKeyText::parse(created.text("key")).unwrap();
    let good = verify(&app, &key).await;
    assert_eq!((good.status, &good.body["scopes"]), (200, &json!(["orders:read"])));
    assert_eq!(verify(&app, &ApiKeyText::new(key.id, [0; 32])).await.status, 404);
    assert_eq!(verify(&app, &ApiKeyText::new(ApiKeyId::new(), [0; 32])).await.status, 404);
    assert_eq!(revoke(&app, &admin, created.text("id")).await.status, 204);
    assert_eq!(verify(&app, &key).await.status, 404);
    assert_eq!(revoke(&app, &admin, created.text("id")).await.problem(), (404, "not_found"));
    assert_eq!(get(&app, &admin, "/api-keys").await.body, json!([]));
    for text in [created.text("key"), "oms_", "oms_x_y", &"oms_".repeat(1000)] {
        assert_eq!(app.list(text, "").await.problem(), (401, "unauthenticated"), "{text:.60}");
    }
}

#[tokio::test]
async fn what_is_not_a_key_is_refused_by_field() {
    let app = TestApp::start().await;
    let admin = app.token(Role::Admin);
    for (body, field) in [
        (json!({ "name": "x", "scopes": [] }), "/scopes"),
        (json!({ "name": "x", "scopes": ["orders:fly"] }), "/scopes/0"),
        (json!({ "name": "", "scopes": ["orders:read"] }), "/name"),
        (
            json!({ "name": "x", "scopes": ["orders:read"], "expiresAt": "2020-01-01T00:00:00Z" }),
            "/expiresAt",
        ),
        (json!({ "name": "x", "scopes": ["orders:read"], "role": "admin" }), "/role"),
    ] {
        let refused = create(&app, &admin, &body).await;
        assert_eq!((refused.status, refused.field().0), (422, field), "{body}");
    }
    for token in [app.token(Role::Staff), app.token(Role::Customer)] {
        assert_eq!(create(&app, &token, &new_key(&["orders:read"])).await.problem(), (403, "forbidden"));
        assert_eq!(get(&app, &token, "/api-keys").await.problem(), (403, "forbidden"));
    }
}

#[tokio::test]
async fn an_idempotency_key_makes_one_key_and_the_repeat_says_that_it_was_shown() {
    let app = TestApp::start().await;
    let admin = app.token(Role::Admin);
    let body = new_key(&["orders:read"]);
    let first = create_under(&app, &admin, "one", &body).await;
    let second = create_under(&app, &admin, "one", &body).await;
    assert_eq!((first.status, second.problem()), (201, (409, "key_already_shown")));
    assert_eq!(second.text("apiKeyId"), first.text("id"));
    assert_eq!(get(&app, &admin, "/api-keys").await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_no_service_token_and_checking_one_needs_it() {
    let app = TestApp::start_with(settings()).await;
    let client = common::http::peer::client().unwrap();
    let key = ApiKeyText::new(ApiKeyId::new(), [1; 32]);
    for token in [None, Some(key.reveal())] {
        let mut request = client.post(format!("{}/internal/api-keys/verify", app.internal_url));
        if let Some(token) = token {
            request = request.header(SERVICE_TOKEN, token);
        }
        assert_eq!(send(request.json(&key.presented())).await.status, 401);
    }
    assert_eq!(app.register(&registration("ada@example.org")).await.status, 201);
}
