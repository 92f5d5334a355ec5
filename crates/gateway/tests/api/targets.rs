//! Request targets and framings that two readers could read differently, over a bare socket.

use crate::app::{ID, TestApp, answer_all};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::ResponseTemplate;

async fn open_app() -> TestApp {
    let app = TestApp::spawn().await;
    for (_, upstream) in app.upstreams() {
        answer_all(upstream, ResponseTemplate::new(200)).await;
    }
    app
}

#[tokio::test]
async fn no_spelling_of_a_path_reaches_what_is_internal() {
    let app = open_app().await;
    for target in [
        "//internal/ledger",
        "/orders//internal",
        "/orders/../internal/ledger",
        "/orders/..",
        "/./orders",
        "/orders/%2e%2e/internal/ledger",
        "/orders/%2E%2e",
        "/orders/..%2finternal",
        "/orders/..%2Finternal%2Fledger",
        "/orders/..%5cinternal",
        "/orders/%252e%252e/internal",
        "/orders/%00",
        "/orders/%0d%0aX-User-Id:%201",
        "/orders/%",
        "/orders/%zz",
        "http://127.0.0.1/internal/ledger",
        "http://127.0.0.1/orders",
        "*",
    ] {
        let answer = app.send_target(target).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
        assert!(answer.contains("application/problem+json"), "{target}: {answer}");
        assert!(answer.contains("\"code\":\"invalid_path\""), "{target}: {answer}");
        assert!(answer.contains("\"requestId\":"), "{target}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{target}: {answer}");
    }
    for target in
        ["/internal", "/internal/ledger", "/internal%3f", "/health/ready", "/metrics", "/internal;/orders"]
    {
        let answer = app.send_target(target).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
    }
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn bytes_that_no_target_may_have_are_refused() {
    let app = open_app().await;
    for target in
        [&b"/orders\\..\\internal"[..], b"/orders\0", b"/orders\x01", b"/orders\x7f", b"/caf\xc3\xa9"]
    {
        let request = [b"GET ", target, b" HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"].concat();
        let answer = app.send_raw(&request).await;
        let shown = String::from_utf8_lossy(target);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{shown}: {answer}");
    }
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn a_fragment_never_reaches_a_service() {
    let app = open_app().await;
    let answer = app.send_target(&format!("/orders/{ID}#/../internal")).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    for (_, request) in app.arrived().await {
        assert_eq!(request.url.path(), format!("/orders/{ID}"));
    }
}

#[tokio::test]
async fn the_clients_host_decides_nothing() {
    let app = open_app().await;
    let request =
        format!("GET /orders/{ID} HTTP/1.1\r\nHost: internal.example:3103\r\nConnection: close\r\n\r\n");
    let answer = app.send_raw(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let arrived = app.arrived().await;
    assert_eq!(arrived[0].0, "order");
    assert_eq!(arrived[0].1.headers["host"], app.orders.address().to_string());
}

#[tokio::test]
async fn a_body_of_two_lengths_is_refused_and_reaches_no_service() {
    let app = open_app().await;
    let smuggled = "GET /orders HTTP/1.1\r\nHost: shop\r\n\r\n";
    for framing in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "Content-Length: 2, 3\r\n\r\n{}",
        "Content-Length: +2\r\n\r\n{}",
        "Content-Length: -1\r\n\r\n{}",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "X: 1\r\n Content-Length: 2\r\n\r\n{}",
    ] {
        let request = format!("POST /orders HTTP/1.1\r\nHost: shop\r\n{framing}{smuggled}");
        let answer = app.send_raw(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{framing}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{framing}: {answer}");
    }
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn a_body_larger_than_its_route_allows_is_refused_whether_declared_or_not() {
    let app = open_app().await;
    for (path, limit) in [("/products".to_owned(), 65_536), ("/orders".to_owned(), 262_144)] {
        let fits = app.request("POST", &path).body(vec![b' '; limit]).send().await.unwrap();
        assert_eq!(fits.status(), 200, "{path}");

        let declared = format!(
            "POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            limit + 1
        );
        let answer = app.send_raw(declared.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");

        let mut socket = app.connect().await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            limit + 1
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&vec![b' '; limit + 1]).await.unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{path}");
    }
    assert_eq!(app.arrived().await.len(), 2);
}
