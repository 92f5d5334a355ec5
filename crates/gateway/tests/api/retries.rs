//! Services that die, hang or are not there.

use crate::app::{TestApp, answer_all, problem};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

/// A service that reads a request and hangs up, so often, and answers from then on.
struct Dying {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Dying {
    /// What it says before it hangs up may be the beginning of an answer.
    async fn start(deaths: usize, last_words: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 8192];
                if socket.read(&mut request).await.unwrap() == 0 {
                    continue;
                }
                let dies = count.fetch_add(1, Ordering::SeqCst) < deaths;
                let answer = if dies {
                    last_words
                } else {
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
                };
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, requests }
    }

    async fn app(&self) -> TestApp {
        let address = self.address.clone();
        TestApp::spawn_with(|settings| settings.upstreams.order_url = address).await
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_get_and_a_keyed_post_are_sent_again_after_a_connection_that_died() {
    for method in ["GET", "POST"] {
        let service = Dying::start(2, "").await;
        let app = service.app().await;
        let request = app.request(method, "/orders").header("idempotency-key", "checkout-7");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{method}");
        assert_eq!(service.requests(), 3, "{method}");
    }
}

#[tokio::test]
async fn an_answer_cut_off_in_the_middle_is_no_answer() {
    let service = Dying::start(1, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"half\":").await;
    let app = service.app().await;
    assert_eq!(app.send("GET", "/orders").await.text().await.unwrap(), "ok");
    assert_eq!(service.requests(), 2);
}

#[tokio::test]
async fn an_unkeyed_post_is_sent_once_and_told_that_its_fate_is_open() {
    let service = Dying::start(9, "").await;
    let app = service.app().await;
    let response = app.send("POST", "/orders").await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let problem = problem(response).await;
    assert_eq!(problem["code"], "unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("is not known"), "{problem}");
    assert_eq!(service.requests(), 1);
}

#[tokio::test]
async fn setting_stock_is_sent_once_even_with_a_key() {
    let service = Dying::start(9, "").await;
    let address = service.address.clone();
    let app = TestApp::spawn_with(|settings| settings.upstreams.product_url = address).await;
    let request = app.request("PUT", "/products/1/inventory").header("idempotency-key", "k");
    assert_eq!(request.send().await.unwrap().status(), 503);
    assert_eq!(service.requests(), 1);
}

#[tokio::test]
async fn retries_end() {
    let service = Dying::start(99, "").await;
    let app = service.app().await;
    assert_eq!(app.send("GET", "/orders").await.status(), 503);
    assert_eq!(service.requests(), 3);
}

#[tokio::test]
async fn retries_stop_when_the_budget_is_spent() {
    let service = Dying::start(9999, "").await;
    let app = service.app().await;
    for _ in 0..30 {
        assert_eq!(app.send("GET", "/orders").await.status(), 503);
    }
    // 30 requests, ten retries to begin with, and a tenth of the requests.
    assert_eq!(service.requests(), 30 + 10 + 3);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_answered_503_without_its_cause() {
    let app = TestApp::spawn_with(|settings| {
        settings.upstreams.order_url = "http://127.0.0.1:1".to_owned();
        settings.proxy.connect_patience_ms = 20;
    })
    .await;
    for method in ["GET", "POST"] {
        let response = app.send(method, "/orders").await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
        let text = problem(response).await.to_string();
        assert!(!text.contains("127.0.0.1") && !text.contains("refused"), "{text}");
    }
}

#[tokio::test]
async fn a_service_that_hangs_is_answered_503_within_the_deadline_and_asked_once() {
    let app = TestApp::spawn_with(|settings| {
        settings.proxy.deadline_ms = 50;
        settings.proxy.grace_ms = 10;
    })
    .await;
    answer_all(&app.orders, ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    let request = app.request("POST", "/orders").header("idempotency-key", "k");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(problem(response).await["code"], "timed_out");
}
