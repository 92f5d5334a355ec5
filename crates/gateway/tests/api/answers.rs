//! What a service says passes unchanged.

use crate::app::{ID, TestApp, answer_all, problem};
use serde_json::json;
use wiremock::ResponseTemplate;

#[tokio::test]
async fn a_refusal_of_a_service_is_passed_on_and_not_sent_again() {
    let app = TestApp::spawn().await;
    let body =
        json!({ "type": "about:blank", "title": "", "status": 503, "detail": "", "code": "queue_full" });
    let busy = ResponseTemplate::new(503)
        .set_body_raw(body.to_string(), "application/problem+json")
        .insert_header("retry-after", "7");
    answer_all(&app.orders, busy).await;
    let response = app.request("POST", "/orders").header("idempotency-key", "k").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(problem(response).await["code"], "queue_full");
    assert_eq!(app.arrived().await.len(), 1);
}

#[tokio::test]
async fn bodies_pass_byte_by_byte_and_a_get_has_none() {
    let app = TestApp::spawn().await;
    answer_all(&app.orders, ResponseTemplate::new(200)).await;
    let body = b"\xef\xbb\xbf{ \"a\" :\t1.50 }\n";
    let request = app.request("POST", "/orders").header("content-type", "application/json");
    request.body(&body[..]).send().await.unwrap();
    let reading = app.request("GET", &format!("/orders/{ID}")).body("{}");
    assert_eq!(reading.send().await.unwrap().status(), 200);
    let arrived = app.arrived().await;
    assert_eq!(arrived[0].1.body, body);
    assert_eq!(arrived[0].1.headers["content-type"], "application/json");
    assert!(arrived[1].1.body.is_empty());
}
