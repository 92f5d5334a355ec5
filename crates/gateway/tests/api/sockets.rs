//! Clients that are slow, silent, or speak HTTP in their own way, over bare sockets.

use crate::app::{TestApp, answer_all};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wiremock::ResponseTemplate;

async fn open_app() -> TestApp {
    let app = TestApp::spawn_with(|settings| {
        settings.http.head_timeout_ms = 1_000;
        settings.http.idle_timeout_ms = 200;
        settings.clients.body_timeout_ms = 100;
    })
    .await;
    for (_, upstream) in app.upstreams() {
        answer_all(upstream, ResponseTemplate::new(200)).await;
    }
    app
}

/// Reads until the gateway closes.
async fn rest(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_end_is_answered_408_and_closed() {
    let app = open_app().await;
    let mut socket = app.connect().await;
    socket.write_all(b"GET /orders HTTP/1.1\r\nHost: shop\r\nX-Slow: ").await.unwrap();
    let answer = rest(socket).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_400_and_reaches_no_service() {
    let app = open_app().await;
    let mut socket = app.connect().await;
    let head = "POST /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn a_body_in_chunks_that_is_not_read_to_its_end_ends_its_connection() {
    let app = open_app().await;
    for (request, expected) in [
        ("POST /orders", "HTTP/1.1 400 "),
        ("POST /nowhere", "HTTP/1.1 404 "),
        ("PUT /orders", "HTTP/1.1 405 "),
        ("GET /orders", "HTTP/1.1 200 "),
    ] {
        let mut socket = app.connect().await;
        let head = format!("{request} HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(10), rest(socket)).await;
        let answer = answer.unwrap_or_else(|_| panic!("{request}: the connection is still open"));
        assert!(answer.starts_with(expected), "{request}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{request}: {answer}");
    }
    // One that is read to its end leaves its connection open for the next request.
    let mut socket = app.connect().await;
    let two = "POST /orders HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        .repeat(2);
    socket.write_all(two.as_bytes()).await.unwrap();
    let answer = rest(socket).await;
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 2, "{answer}");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let app = open_app().await;
    assert!(rest(app.connect().await).await.len() < 1000);
    let mut socket = app.connect().await;
    socket.write_all(b"GET /orders HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
    let answer = rest(socket).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_later_head_that_does_not_end_is_closed_too() {
    let app = open_app().await;
    let mut socket = app.connect().await;
    let request = b"GET /orders HTTP/1.1\r\nHost: shop\r\n\r\nGET /orders HTTP/1.1\r\nHost: shop\r\nX-Slow: ";
    socket.write_all(request).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(10), rest(socket)).await;
    let answer = answer.expect("the connection is still open");
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 1, "{answer}");
    assert_eq!(app.arrived().await.len(), 1);
}

#[tokio::test]
async fn a_connection_whose_request_takes_long_is_kept() {
    let app = TestApp::spawn_with(|settings| {
        settings.http.head_timeout_ms = 1_000;
        settings.http.idle_timeout_ms = 100;
    })
    .await;
    answer_all(&app.orders, ResponseTemplate::new(200).set_delay(Duration::from_millis(2_500))).await;
    let mut socket = app.connect().await;
    let two = "GET /orders HTTP/1.1\r\nHost: shop\r\n\r\n".repeat(2);
    socket.write_all(two.as_bytes()).await.unwrap();
    let answer = rest(socket).await;
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 2, "{answer}");
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let app = open_app().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(app.connect().await);
    }
    assert_eq!(app.send("GET", "/orders").await.status(), 200);
    drop(idle);
}

#[tokio::test]
async fn what_is_too_long_or_no_http_is_refused_and_reaches_no_service() {
    let app = open_app().await;
    let long = "a".repeat(200_000);
    for (request, expected) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: shop\r\n\r\n"), &["400", "414", "431"][..]),
        (format!("GET /orders HTTP/1.1\r\nHost: shop\r\nX: {long}\r\n\r\n"), &["400", "431"]),
        (format!("GET /orders HTTP/1.1\r\nHost: shop\r\n{}\r\n", "X: 1\r\n".repeat(200)), &["400", "431"]),
        ("GET /orders HTTP/1.1\r\nHost shop\r\n\r\n".into(), &["400"]),
        ("GET /orders HTTP/1.1\r\n: shop\r\n\r\n".into(), &["400"]),
        ("GET /orders HTTP/9.9\r\nHost: shop\r\n\r\n".into(), &["400", "505"]),
        ("GET  /orders HTTP/1.1\r\nHost: shop\r\n\r\n".into(), &["400"]),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\x03\x03".into(), &["400"]),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), &["400", "505"]),
    ] {
        let mut socket = app.connect().await;
        // The gateway may have answered and closed before the end of it is written.
        let _written = socket.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _read = socket.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let shown: String = request.chars().take(60).collect();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        // A reset says no as well.
        assert!(answer.is_empty() || expected.contains(&status), "{shown:?}: {answer}");
    }
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn lines_that_end_in_lf_alone_smuggle_nothing() {
    let app = open_app().await;
    for request in [
        "POST /orders HTTP/1.1\nHost: shop\nConnection: close\nContent-Length: 2\n\n{}",
        "POST /orders HTTP/1.1\r\nHost: shop\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        "POST /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nX: 1\nContent-Length: 2\r\n\r\n{}",
        "POST /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
        "POST /orders HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\nGET /x\r\n{}\r\n0\r\n\r\n",
    ] {
        let before = app.arrived().await.len();
        let answer = app.send_raw(request.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{request:?}: {answer}");
        let arrived = app.arrived().await;
        // Read as a line's end or refused: never two requests, and what a service sees is framed anew.
        assert!(arrived.len() <= before + 1, "{request:?}");
        for (_, request) in arrived {
            assert!(request.body == b"{}" && !request.headers.contains_key("transfer-encoding"));
        }
    }
}
