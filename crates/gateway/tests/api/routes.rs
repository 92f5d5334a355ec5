//! The URL table: every row, and nothing else.

use crate::app::{ID, TestApp, answer_all, problem};
use gateway::routes::ROUTES;
use wiremock::ResponseTemplate;

/// The public contract, written a second time on purpose: a change of the table must be meant.
const CONTRACT: &[(&str, &str, &str)] = &[
    ("POST", "/auth/login", "customer"),
    ("POST", "/auth/refresh", "customer"),
    ("POST", "/auth/logout", "customer"),
    ("GET", "/.well-known/jwks.json", "customer"),
    ("GET", "/customers", "customer"),
    ("POST", "/customers", "customer"),
    ("GET", "/customers/export", "customer"),
    ("GET", "/customers/{id}", "customer"),
    ("PATCH", "/customers/{id}", "customer"),
    ("POST", "/customers/{id}/password", "customer"),
    ("POST", "/customers/{id}/deactivate", "customer"),
    ("POST", "/customers/{id}/reactivate", "customer"),
    ("GET", "/customers/{id}/addresses", "customer"),
    ("POST", "/customers/{id}/addresses", "customer"),
    ("PATCH", "/customers/{id}/addresses/{addressId}", "customer"),
    ("DELETE", "/customers/{id}/addresses/{addressId}", "customer"),
    ("GET", "/customers/{id}/export", "customer"),
    ("POST", "/customers/{id}/erase", "customer"),
    ("POST", "/auth/verification", "customer"),
    ("POST", "/auth/verification/confirm", "customer"),
    ("POST", "/auth/password-reset", "customer"),
    ("POST", "/auth/password-reset/confirm", "customer"),
    ("GET", "/audit-events", "customer"),
    ("GET", "/customers/{id}/sessions", "customer"),
    ("DELETE", "/customers/{id}/sessions", "customer"),
    ("DELETE", "/customers/{id}/sessions/{sessionId}", "customer"),
    ("PUT", "/customers/{id}/role", "customer"),
    ("POST", "/staff-invitations", "customer"),
    ("POST", "/staff-invitations/accept", "customer"),
    ("GET", "/api-keys", "customer"),
    ("POST", "/api-keys", "customer"),
    ("GET", "/api-keys/{id}", "customer"),
    ("DELETE", "/api-keys/{id}", "customer"),
    ("GET", "/customers/{id}/orders", "order"),
    ("GET", "/categories", "product"),
    ("POST", "/categories", "product"),
    ("GET", "/categories/{id}", "product"),
    ("PATCH", "/categories/{id}", "product"),
    ("DELETE", "/categories/{id}", "product"),
    ("GET", "/products", "product"),
    ("POST", "/products", "product"),
    ("GET", "/products/facets", "product"),
    ("POST", "/products/import", "product"),
    ("GET", "/products/export", "product"),
    ("POST", "/stock/import", "product"),
    ("GET", "/stock/export", "product"),
    ("GET", "/products/{id}", "product"),
    ("PATCH", "/products/{id}", "product"),
    ("GET", "/products/{id}/inventory", "product"),
    ("PUT", "/products/{id}/inventory", "product"),
    ("PATCH", "/products/{id}/inventory", "product"),
    ("POST", "/products/{id}/inventory/adjustments", "product"),
    ("POST", "/products/{id}/inventory/receipts", "product"),
    ("POST", "/products/{id}/inventory/transfers", "product"),
    ("GET", "/products/{id}/inventory/movements", "product"),
    ("GET", "/products/{id}/inventory/explain", "product"),
    ("GET", "/stock/low", "product"),
    ("GET", "/locations", "product"),
    ("POST", "/locations", "product"),
    ("GET", "/locations/{id}", "product"),
    ("PATCH", "/locations/{id}", "product"),
    ("POST", "/reservations", "product"),
    ("GET", "/reservations/{id}", "product"),
    ("DELETE", "/reservations/{id}", "product"),
    ("POST", "/reservations/{id}/extend", "product"),
    ("GET", "/orders", "order"),
    ("POST", "/orders", "order"),
    ("POST", "/orders/import", "order"),
    ("GET", "/orders/export", "order"),
    ("GET", "/orders/{id}", "order"),
    ("POST", "/orders/{id}/cancel", "order"),
    ("POST", "/orders/{id}/edits", "order"),
    ("POST", "/orders/{id}/fulfillments", "order"),
    ("GET", "/orders/{id}/fulfillments/{fulfillmentId}", "order"),
    ("POST", "/orders/{id}/fulfillments/{fulfillmentId}/deliver", "order"),
    ("POST", "/orders/{id}/returns", "order"),
    ("GET", "/orders/{id}/returns/{returnId}", "order"),
    ("POST", "/orders/{id}/returns/{returnId}/approve", "order"),
    ("POST", "/orders/{id}/returns/{returnId}/decline", "order"),
    ("POST", "/orders/{id}/returns/{returnId}/receive", "order"),
    ("POST", "/orders/{id}/hold", "order"),
    ("POST", "/orders/{id}/release", "order"),
    ("POST", "/orders/{id}/notes", "order"),
    ("POST", "/orders/{id}/tags", "order"),
    ("GET", "/orders/{id}/history", "order"),
    ("GET", "/orders/{id}/why", "order"),
    ("GET", "/events", "order"),
    ("GET", "/webhooks", "order"),
    ("POST", "/webhooks", "order"),
    ("GET", "/webhooks/{id}", "order"),
    ("PATCH", "/webhooks/{id}", "order"),
    ("DELETE", "/webhooks/{id}", "order"),
    ("POST", "/webhooks/{id}/rotate-secret", "order"),
    ("POST", "/webhooks/{id}/pause", "order"),
    ("POST", "/webhooks/{id}/resume", "order"),
    ("POST", "/webhooks/{id}/replay", "order"),
    ("POST", "/webhooks/{id}/test", "order"),
    ("GET", "/webhooks/{id}/deliveries", "order"),
    ("GET", "/webhooks/{id}/deliveries/{deliveryId}", "order"),
    ("GET", "/healthz", "gateway"),
    ("GET", "/openapi.json", "gateway"),
    ("GET", "/docs", "gateway"),
    ("GET", "/docs/explorer.js", "gateway"),
    ("GET", "/docs/explorer.css", "gateway"),
];

/// The pattern with an identity in the place of each of its parameters.
fn filled(pattern: &str) -> String {
    let fill = |segment: &str| if segment.starts_with('{') { ID.to_owned() } else { segment.to_owned() };
    pattern.split('/').map(fill).collect::<Vec<_>>().join("/")
}

#[test]
fn the_table_holds_exactly_the_contract() {
    let rows = ROUTES.iter().flat_map(|route| route.methods.iter().map(|method| (*method, route.pattern)));
    let rows: Vec<_> = rows.collect();
    let contract = CONTRACT.iter().map(|(method, path, _)| (*method, *path));
    assert_eq!(rows, contract.collect::<Vec<_>>());
}

#[tokio::test]
async fn every_row_reaches_its_service_with_its_method_path_and_query() {
    let app = TestApp::spawn().await;
    for (name, upstream) in app.upstreams() {
        answer_all(upstream, ResponseTemplate::new(200).set_body_string(name)).await;
    }
    for &(method, pattern, service) in CONTRACT.iter().filter(|(_, _, service)| *service != "gateway") {
        let path = filled(pattern);
        let response = app.send(method, &format!("{path}?limit=2&q=a%2Fb")).await;
        assert_eq!(response.status(), 200, "{method} {path}");
        assert_eq!(response.text().await.unwrap(), service, "{method} {path}");
        let arrived = app.arrived().await;
        let (_, request) = arrived.iter().rfind(|(_, request)| request.url.path() == path).unwrap();
        assert_eq!((request.method.as_str(), request.url.query()), (method, Some("limit=2&q=a%2Fb")));
    }
}

#[tokio::test]
async fn another_method_is_answered_405_with_the_methods_that_are_allowed() {
    let app = TestApp::spawn().await;
    for route in ROUTES {
        let path = filled(route.pattern);
        let has_get = route.methods.contains(&"GET");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"] {
            if route.methods.contains(&method) || (method == "HEAD" && has_get) {
                continue;
            }
            let response = app.send(method, &path).await;
            assert_eq!(response.status(), 405, "{method} {path}");
            let allow: Vec<_> = response.headers()["allow"].to_str().unwrap().split(", ").collect();
            assert_eq!(allow.contains(&"HEAD"), has_get, "{path}");
            assert!(route.methods.iter().all(|method| allow.contains(method)), "{path}: {allow:?}");
            if method != "HEAD" {
                assert_eq!(problem(response).await["code"], "method_not_allowed");
            }
        }
    }
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn a_path_outside_the_table_is_answered_404_and_reaches_no_service() {
    let app = TestApp::spawn().await;
    let paths =
        ["/", "/orders/", "/ORDERS", "/orders/1/unknown", "/health/ready", "/metrics", "/internal/ledger"];
    for path in paths {
        let response = app.send("GET", path).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(problem(response).await["code"], "no_such_path", "{path}");
    }
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn head_goes_as_get_and_keeps_the_length_without_the_body() {
    let app = TestApp::spawn().await;
    answer_all(&app.orders, ResponseTemplate::new(200).set_body_string("twelve bytes")).await;
    let request = b"HEAD /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
    let answer = app.send_raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.to_lowercase().contains("\r\ncontent-length: 12\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(app.arrived().await[0].1.method.as_str(), "GET");
}
