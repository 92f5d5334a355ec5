//! The real gateway on a free port, with a stand-in behind each upstream.

use common::http::peer;
use gateway::config::Settings;
use gateway::startup::Application;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use std::future::pending;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

pub const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

pub struct TestApp {
    pub orders: MockServer,
    pub customers: MockServer,
    pub products: MockServer,
    port: u16,
    internal_port: u16,
    client: Client,
}

impl TestApp {
    pub async fn spawn() -> Self {
        Self::spawn_with(|_| {}).await
    }

    /// With settings changed after the stand-ins are wired.
    pub async fn spawn_with(change: impl FnOnce(&mut Settings)) -> Self {
        let (orders, customers, products) =
            (MockServer::start().await, MockServer::start().await, MockServer::start().await);
        let mut settings = Settings::defaults().unwrap();
        settings.http.public_port = 0;
        settings.http.internal_port = 0;
        settings.http.workers = 1;
        // Nothing listens there: no caller can be told from another, and each gateway counts for itself, unless a test
        // says else.
        settings.tokens.keys_url = "http://127.0.0.1:1/.well-known/jwks.json".to_owned();
        settings.redis.uri = "redis://127.0.0.1:1".into();
        settings.upstreams.order_url = orders.uri();
        settings.upstreams.order_health_url = orders.uri();
        settings.upstreams.customer_url = customers.uri();
        settings.upstreams.customer_health_url = customers.uri();
        settings.upstreams.product_url = products.uri();
        settings.upstreams.product_health_url = products.uri();
        change(&mut settings);
        let application = Application::build(settings).unwrap();
        let port = application.public_port().unwrap();
        let internal_port = application.internal_port().unwrap();
        tokio::spawn(application.run_until_stopped(pending()));
        Self { orders, customers, products, port, internal_port, client: peer::client().unwrap() }
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("http://127.0.0.1:{}{path}", self.port))
    }

    pub async fn send(&self, method: &str, path: &str) -> Response {
        self.request(method, path).send().await.unwrap()
    }

    /// What the internal listener shows to whoever measures.
    pub async fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.internal_port);
        let answer = self.client.get(url).send().await.unwrap();
        assert!(
            answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text")
        );
        answer.text().await.unwrap()
    }

    /// Sends bytes as they are and reads until the gateway closes the connection.
    pub async fn send_raw(&self, request: &[u8]) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        socket.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a request whose target is written as it is.
    pub async fn send_target(&self, target: &str) -> String {
        let request = format!("GET {target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        self.send_raw(request.as_bytes()).await
    }

    /// Opens a connection on which the test speaks by itself.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    pub fn upstreams(&self) -> [(&'static str, &MockServer); 3] {
        [("order", &self.orders), ("customer", &self.customers), ("product", &self.products)]
    }

    /// Every request that reached a service.
    pub async fn arrived(&self) -> Vec<(&'static str, Request)> {
        let mut arrived = Vec::new();
        for (name, upstream) in self.upstreams() {
            let requests = upstream.received_requests().await.unwrap();
            arrived.extend(requests.into_iter().map(|request| (name, request)));
        }
        arrived
    }
}

/// Answers everything the same way.
pub async fn answer_all(upstream: &MockServer, answer: ResponseTemplate) {
    Mock::given(matchers::any()).respond_with(answer).mount(upstream).await;
}

pub async fn problem(response: Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    body
}
