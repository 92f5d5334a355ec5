//! The real service on free ports with a database of its own.

use common::http::peer::SERVICE_TOKEN;
use common::ids::{CustomerId, SessionId};
use common::models::auth::Role;
use common::testing::{fresh_database, server};
use common::time::Timestamp;
use customer_service::config::Settings;
use customer_service::startup::{AppState, Application};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::oneshot;

pub const PASSWORD: &str = "correct horse battery";
pub const ADMIN_EMAIL: &str = "admin@example.org";
pub const ADMIN_PASSWORD: &str = "admin of everything";

/// Settings for a test: free ports, a fresh database, a Redis that may take its time.
pub fn settings() -> Settings {
    let mut settings = Settings::defaults().unwrap();
    // Tests collect when they want to.
    settings.events.enabled = false;
    settings.http.public_port = 0;
    settings.http.internal_port = 0;
    settings.http.workers = 1;
    settings.http.stop_delay_ms = 0;
    settings.mongo.uri = server("MONGO_URI").into();
    settings.mongo.database = fresh_database();
    settings.redis.uri = server("REDIS_URI").into();
    settings.redis.timeout_ms = 5000;
    settings.passwords.waiting = 1000;
    // Nothing listens there: a test that needs a peer brings its own.
    settings.peers.order_url = "http://127.0.0.1:1".into();
    settings.peers.product_url = "http://127.0.0.1:1".into();
    // The tests sweep by themselves.
    settings.sweeper.interval_ms = 3_600_000;
    settings
}

/// [`settings`] with a first administrator.
pub fn settings_with_admin() -> Settings {
    let mut settings = settings();
    settings.admin.email = ADMIN_EMAIL.into();
    settings.admin.password = ADMIN_PASSWORD.into();
    settings
}

pub struct TestApp {
    pub public_url: String,
    pub internal_url: String,
    pub state: Arc<AppState>,
    client: Client,
    /// Dropping it stops the service.
    _stop: oneshot::Sender<()>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("no text {field} in {self:?}"))
    }

    pub fn id(&self) -> CustomerId {
        self.text("id").parse().unwrap()
    }

    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, &str) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        (self.status, self.text("code"))
    }

    /// The one field that broke a rule: pointer and code.
    pub fn field(&self) -> (&str, &str) {
        assert_eq!(self.body["errors"].as_array().map(Vec::len), Some(1), "{self:?}");
        let field = &self.body["errors"][0];
        (field["pointer"].as_str().unwrap(), field["code"].as_str().unwrap())
    }
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(settings()).await
    }

    pub async fn start_with(settings: Settings) -> Self {
        let application = Application::build(settings).await.unwrap();
        let public_url = format!("http://127.0.0.1:{}", application.public_port().unwrap());
        let internal_url = format!("http://127.0.0.1:{}", application.internal_port().unwrap());
        let state = application.state();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(application.run_until_stopped(async {
            drop(stopped.await);
        }));
        let client = common::http::peer::client().unwrap();
        Self { public_url, internal_url, state, client, _stop: stop }
    }

    /// A token of someone of this role who has no account.
    pub fn token(&self, role: Role) -> String {
        self.token_of(CustomerId::new(), role)
    }

    pub fn token_of(&self, id: CustomerId, role: Role) -> String {
        self.state.access_tokens.issue(id, role, SessionId::new(), Timestamp::now()).unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.public_url))
    }

    pub async fn register(&self, body: &Value) -> Answer {
        send(self.request(Method::POST, "/customers").json(body)).await
    }

    pub async fn register_with_key(&self, key: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, "/customers").header("idempotency-key", key).json(body)).await
    }

    pub async fn register_as(&self, token: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, "/customers").bearer_auth(token).json(body)).await
    }

    /// A customer with this address and [`PASSWORD`].
    pub async fn customer(&self, email: &str) -> CustomerId {
        let answer = self.register(&registration(email)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.id()
    }

    pub async fn list(&self, token: &str, query: &str) -> Answer {
        send(self.request(Method::GET, &format!("/customers{query}")).bearer_auth(token)).await
    }

    pub async fn read(&self, token: &str, id: CustomerId) -> Answer {
        send(self.request(Method::GET, &format!("/customers/{id}")).bearer_auth(token)).await
    }

    pub async fn change(&self, token: &str, id: CustomerId, if_match: Option<&str>, body: &Value) -> Answer {
        let mut request =
            self.request(Method::PATCH, &format!("/customers/{id}")).bearer_auth(token).json(body);
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        send(request).await
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Answer {
        send(self.request(Method::POST, "/auth/login").json(&json!({ "email": email, "password": password })))
            .await
    }

    pub async fn log_in_from(&self, address: &str, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        send(self.request(Method::POST, "/auth/login").header("x-forwarded-for", address).json(&body)).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        send(self.request(Method::POST, "/auth/refresh").json(&json!({ "refreshToken": token }))).await
    }

    pub async fn log_out(&self, token: &str) -> Answer {
        send(self.request(Method::POST, "/auth/logout").json(&json!({ "refreshToken": token }))).await
    }

    pub async fn keys(&self) -> Answer {
        send(self.request(Method::GET, "/.well-known/jwks.json")).await
    }

    pub async fn internal_address(&self, customer: CustomerId, address: &str) -> Answer {
        let url = format!("{}/internal/customers/{customer}/addresses/{address}", self.internal_url);
        send(self.client.get(url).header(SERVICE_TOKEN, "development-service-token")).await
    }

    pub async fn standing(&self, service_token: Option<&str>, id: &str) -> Answer {
        let mut request = self.client.get(format!("{}/internal/customers/{id}", self.internal_url));
        if let Some(token) = service_token {
            request = request.header(SERVICE_TOKEN, token);
        }
        send(request).await
    }
}

/// A body that registers this address with [`PASSWORD`].
pub fn registration(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "name": "Ada Lovelace" })
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Answer { status, headers, body }
}
