//! What a gateway answers.

use common::ids::{CustomerId, OrderId, ProductId};
use oms_client::{Builder, Client};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

pub fn client_of(shop: &MockServer) -> Builder {
    Client::builder(&shop.uri()).timeout(Duration::from_secs(30))
}

pub fn order(customer_id: CustomerId, product_id: ProductId) -> Value {
    json!({
        "id": OrderId::new(), "customerId": customer_id, "productId": product_id, "quantity": 2,
        "status": "confirmed", "fulfillmentStatus": "unfulfilled", "lines": [], "currency": "EUR", "total": 12.5,
        "version": 2, "createdAt": "2026-01-31T12:00:00.000Z", "updatedAt": "2026-01-31T12:00:00.000Z"
    })
}

pub fn problem(status: u16, code: &str) -> ResponseTemplate {
    let body = json!({
        "type": "about:blank", "title": "", "status": status, "detail": "No.", "code": code, "requestId": "r-1",
        "orderId": "01890a5d-ac96-774b-bcce-b302099a8057"
    });
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/problem+json")
}

pub fn tokens(access: &str, expires_in: u32) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "accessToken": access, "tokenType": "Bearer", "expiresIn": expires_in,
        "refreshToken": format!("refresh-{access}"), "customerId": CustomerId::new()
    }))
}

/// Answers the given answers in turn, the last one for ever.
pub async fn answer_in_turn(shop: &MockServer, method: &str, path: &str, answers: Vec<ResponseTemplate>) {
    let last = answers.len() - 1;
    for (index, answer) in answers.into_iter().enumerate() {
        let mock = Mock::given(matchers::method(method)).and(matchers::path(path)).respond_with(answer);
        let mock = if index == last { mock } else { mock.up_to_n_times(1) };
        mock.mount(shop).await;
    }
}

/// The requests that arrived at a path.
pub async fn requests_to(shop: &MockServer, path: &str) -> Vec<Request> {
    let mut requests = shop.received_requests().await.unwrap();
    requests.retain(|request| request.url.path() == path);
    requests
}

pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().unwrap())
}
