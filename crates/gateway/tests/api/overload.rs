//! Too much at once, services that answer nobody, services that come back.

use crate::app::{TestApp, answer_all, problem};
use std::net::TcpListener;
use std::time::Duration;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

const LONG: Duration = Duration::from_secs(60);

/// Waits until so many requests have reached the product service.
async fn products_have(app: &TestApp, requests: usize) {
    while app.products.received_requests().await.unwrap().len() < requests {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn reads_of_the_catalogue_take_no_place_of_orders() {
    let app = TestApp::spawn_with(|settings| settings.overload.catalogue = 2).await;
    answer_all(&app.products, ResponseTemplate::new(200).set_delay(LONG)).await;
    answer_all(&app.orders, ResponseTemplate::new(201)).await;
    let reading = [app.request("GET", "/products"), app.request("GET", "/products/1")]
        .map(|request| tokio::spawn(request.send()));
    products_have(&app, 2).await;
    let shed = app.send("GET", "/products").await;
    assert_eq!((shed.status().as_u16(), &shed.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(problem(shed).await["code"], "overloaded");
    assert_eq!(app.send("POST", "/orders").await.status(), 201);
    let metrics = app.metrics().await;
    assert!(
        metrics.lines().any(|line| line.starts_with("oms_shed_total{class=\"catalogue\"} ")),
        "{metrics}"
    );
    for task in reading {
        task.abort();
    }
}

#[tokio::test]
async fn orders_that_take_too_long_leave_fewer_places() {
    let app = TestApp::spawn_with(|settings| settings.overload.order_patience_ms = 1).await;
    answer_all(&app.orders, ResponseTemplate::new(201).set_delay(Duration::from_millis(40))).await;
    // Sixteen of them say that half as many are enough.
    for _ in 0..32 {
        assert_eq!(app.send("POST", "/orders").await.status(), 201);
    }
    app.orders.reset().await;
    answer_all(&app.orders, ResponseTemplate::new(201).set_delay(LONG)).await;
    let placing: Vec<_> = (0..256).map(|_| tokio::spawn(app.request("POST", "/orders").send())).collect();
    while app.orders.received_requests().await.unwrap().len() < placing.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(problem(app.send("POST", "/orders").await).await["code"], "overloaded");
    placing.into_iter().for_each(|task| task.abort());
}

#[tokio::test]
async fn a_service_that_hangs_has_its_requests_and_no_more() {
    let app = TestApp::spawn_with(|settings| settings.upstreams.max_in_flight = 1).await;
    answer_all(&app.products, ResponseTemplate::new(200).set_delay(LONG)).await;
    answer_all(&app.customers, ResponseTemplate::new(200)).await;
    let hanging = tokio::spawn(app.request("GET", "/products").send());
    products_have(&app, 1).await;
    let refused = app.request("PUT", "/products/1/inventory").send().await.unwrap();
    assert_eq!(problem(refused).await["code"], "overloaded");
    assert_eq!(app.send("GET", "/customers").await.status(), 200);
    hanging.abort();
}

#[tokio::test]
async fn a_service_that_answers_nobody_is_left_alone_and_asked_again() {
    let app = TestApp::spawn_with(|settings| {
        settings.breaker.failures = 2;
        settings.breaker.open_ms = 3_600_000;
        settings.proxy.deadline_ms = 20;
        settings.proxy.grace_ms = 1;
    })
    .await;
    answer_all(&app.products, ResponseTemplate::new(200).set_delay(LONG)).await;
    answer_all(&app.orders, ResponseTemplate::new(200)).await;
    for _ in 0..2 {
        assert_eq!(problem(app.send("GET", "/products").await).await["code"], "timed_out");
    }
    for _ in 0..3 {
        assert_eq!(problem(app.send("GET", "/products").await).await["code"], "unavailable");
    }
    assert_eq!(app.products.received_requests().await.unwrap().len(), 2);
    assert!(app.metrics().await.contains("oms_upstream_breaker_open{service=\"product-service\"} 1"));
}

#[tokio::test]
async fn a_request_waits_for_a_service_that_comes_back_and_is_sent_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let app = TestApp::spawn_with(|settings| {
        settings.upstreams.order_url = format!("http://{address}");
        settings.proxy.deadline_ms = 30_000;
        settings.proxy.connect_patience_ms = 30_000;
    })
    .await;
    // Without a key: what was never sent may be sent by anyone.
    let waiting = tokio::spawn(app.request("POST", "/orders").body("{}").send());
    let sent_again =
        || common::metrics::scrape().contains("oms_upstream_retries_total{service=\"order-service\"}");
    while !sent_again() {
        tokio::task::yield_now().await;
    }
    let service = MockServer::builder().listener(TcpListener::bind(address).unwrap()).start().await;
    Mock::given(matchers::any()).respond_with(ResponseTemplate::new(201)).mount(&service).await;
    // Between its start and its first rule it answers 404.
    let status = waiting.await.unwrap().unwrap().status().as_u16();
    assert!([201, 404].contains(&status), "{status}");
    assert_eq!(service.received_requests().await.unwrap().len(), 1);
}
