//! What browsers are told: origins that may call, and answers made smaller.

use crate::app::{TestApp, answer_all};
use wiremock::ResponseTemplate;

const SHOP: &str = "https://shop.example";

async fn app_for(origins: &[&str]) -> TestApp {
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    let app = TestApp::spawn_with(|settings| settings.cors.origins = origins).await;
    answer_all(&app.orders, ResponseTemplate::new(200).insert_header("etag", "\"1\"")).await;
    app
}

#[tokio::test]
async fn a_page_of_a_known_origin_may_ask_send_and_read() {
    let app = app_for(&[SHOP, "https://admin.example:8443"]).await;
    let asks = app
        .request("OPTIONS", "/orders")
        .header("origin", SHOP)
        .header("access-control-request-method", "POST");
    let answer = asks.send().await.unwrap();
    assert_eq!(answer.status(), 204);
    let headers = answer.headers();
    assert_eq!(headers["access-control-allow-origin"], SHOP);
    assert_eq!(headers["access-control-allow-methods"], "HEAD, GET, POST");
    assert!(headers["access-control-allow-headers"].to_str().unwrap().contains("idempotency-key"));
    assert_eq!(headers["access-control-max-age"], "600");
    assert_eq!(headers["vary"], "origin");
    assert!(app.arrived().await.is_empty());

    let answer = app.request("GET", "/orders").header("origin", SHOP).send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], SHOP);
    assert!(answer.headers()["access-control-expose-headers"].to_str().unwrap().contains("etag"));
    // A refusal can be read too.
    let refused = app.request("GET", "/nowhere").header("origin", SHOP).send().await.unwrap();
    assert_eq!(refused.headers()["access-control-allow-origin"], SHOP);
}

#[tokio::test]
async fn a_page_of_another_origin_is_told_nothing() {
    for origins in [&[SHOP][..], &[]] {
        let app = app_for(origins).await;
        let asks = app.request("OPTIONS", "/orders").header("origin", "https://evil.example");
        let answer = asks.header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        let answer =
            app.request("GET", "/orders").header("origin", "https://evil.example").send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn long_text_is_compressed_for_who_can_read_it_and_nothing_else_is() {
    let app = TestApp::spawn().await;
    let long = format!("[{}]", "\"a product\",".repeat(400));
    let text = |body: &str| ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json");
    answer_all(&app.products, text(&long)).await;
    answer_all(&app.orders, text(&long).insert_header("etag", "\"1\"")).await;
    answer_all(&app.customers, text("[]")).await;
    let get = async |path: &str, coding: &str| {
        app.request("GET", path).header("accept-encoding", coding).send().await.unwrap()
    };
    let small = get("/products", "br, gzip").await;
    assert_eq!(
        (&small.headers()["content-encoding"], &small.headers()["vary"]),
        (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
    );
    let bytes = small.bytes().await.unwrap();
    assert!(bytes.len() * 4 < long.len() && bytes.starts_with(&[0x1f, 0x8b]), "{}", bytes.len());
    for (path, coding) in [("/products", "br"), ("/orders", "gzip"), ("/customers", "gzip")] {
        let whole = get(path, coding).await;
        assert!(!whole.headers().contains_key("content-encoding"), "{path}");
        let expected = if path == "/customers" { "[]" } else { &long };
        assert_eq!(whole.text().await.unwrap(), expected);
    }
    // What a client can read is between it and the gateway.
    assert!(app.arrived().await.iter().all(|(_, request)| !request.headers.contains_key("accept-encoding")));
}

#[tokio::test]
async fn strict_transport_is_a_setting() {
    let app = TestApp::spawn_with(|settings| settings.answers.strict_transport_s = 31_536_000).await;
    let answer = app.send("GET", "/nowhere").await;
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    let app = TestApp::spawn().await;
    assert!(!app.send("GET", "/nowhere").await.headers().contains_key("strict-transport-security"));
}
