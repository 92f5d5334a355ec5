use crate::app::TestApp;
use common::ids::ProductId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Body, expected status, expected pointer.
fn bodies(customer: &Value, product: &Value) -> Vec<(Value, u16, &'static str)> {
    let with = |field: &str, value: Value| {
        let mut body = json!({ "customerId": customer, "productId": product, "quantity": 1 });
        body[field] = value;
        body
    };
    let line = |quantity: Value| json!({ "customerId": customer, "lines": [{ "productId": product, "quantity": quantity }] });
    vec![
        (with("quantity", json!(0)), 422, "/quantity"),
        (with("quantity", json!(-1)), 422, "/quantity"),
        (with("quantity", json!(1.5)), 422, "/quantity"),
        (with("quantity", json!(1_000_000_000_000_u64)), 422, "/quantity"),
        (with("quantity", json!("1")), 422, "/quantity"),
        (with("quantity", json!({ "$gt": 0 })), 422, "/quantity"),
        (with("productId", json!({ "$gt": "" })), 422, "/productId"),
        (with("productId", json!("")), 422, "/productId"),
        (with("productId", json!("x\u{0}")), 422, "/productId"),
        (with("customerId", json!(["a"])), 422, "/customerId"),
        (with("customerId", json!("../../internal")), 422, "/customerId"),
        (with("status", json!("confirmed")), 422, "/status"),
        (with("lines", json!([])), 422, "/productId"),
        (json!({ "customerId": customer }), 422, "/productId"),
        (json!({ "customerId": customer, "lines": [] }), 422, "/lines"),
        (json!({ "customerId": customer, "lines": {} }), 422, "/lines"),
        (json!({ "customerId": customer, "lines": [[product, 1]] }), 422, "/lines/0"),
        (line(json!(0)), 422, "/lines/0/quantity"),
        (line(json!(null)), 422, "/lines/0/quantity"),
        (json!([customer, product, 1]), 422, ""),
        (json!(null), 422, ""),
        (json!("order"), 422, ""),
    ]
}

#[tokio::test]
async fn every_wrong_body_is_refused_by_field_and_nothing_is_written() {
    let app = TestApp::start().await;
    let customer = app.customer();
    for (body, status, pointer) in bodies(&json!(customer.id), &json!(ProductId::new())) {
        let response = customer.place(&body, None).await;
        assert_eq!(response.status().as_u16(), status, "{body}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
    let misspelt =
        customer.request(Method::POST, "/orders?dryrun=true").json(&customer.order(ProductId::new(), 1));
    assert_eq!(misspelt.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    let orders: Value =
        customer.get(&format!("/customers/{}/orders", customer.id)).await.json().await.unwrap();
    assert_eq!(orders, json!([]));
    assert!(app.ledger.entries().is_empty());
}

#[tokio::test]
async fn what_is_not_a_json_body_is_refused() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let post = || customer.request(Method::POST, "/orders");
    let deep = format!("{{\"lines\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    for (request, status) in [
        (post().header("Content-Type", "application/json").body("{"), StatusCode::BAD_REQUEST),
        (post().header("Content-Type", "application/json").body(""), StatusCode::BAD_REQUEST),
        (post().header("Content-Type", "application/json").body(deep), StatusCode::UNPROCESSABLE_ENTITY),
        (post().header("Content-Type", "application/json").body(vec![0xff, 0xfe]), StatusCode::BAD_REQUEST),
        (post().header("Content-Type", "text/plain").body("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (post().body("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            post().header("Content-Type", "application/json").header("Content-Encoding", "gzip").body("{}"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            post().header("Content-Type", "application/json").body(" ".repeat(256 * 1024 + 1)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn wrong_paths_queries_and_methods_are_refused_by_name() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    for (path, pointer) in [
        ("/orders/1", "path:id"),
        ("/orders/%7B%22$gt%22:1%7D", "path:id"),
        ("/orders?limit=0", "query:limit"),
        ("/orders?limit=201", "query:limit"),
        ("/orders?after=x", "query:after"),
        ("/orders?status=lost", "query:status"),
        ("/orders?colour=red", "query:colour"),
        ("/customers/me/orders", "path:id"),
        ("/orders/01890a5d-ac96-774b-bcce-b302099a8057?colour=red", "query:colour"),
    ] {
        let response = staff.get(path).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{path}: {problem}");
    }
    let response = customer.request(Method::DELETE, "/orders").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST, HEAD, GET");
    assert_eq!(staff.get("/internal/ledger").await.status(), StatusCode::NOT_FOUND);
}
