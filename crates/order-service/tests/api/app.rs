//! One running order-service with a fresh database, and a stock ledger that decides as it is told.

use common::auth::api_key::ApiKeyText;
use common::events::collector::{Collector, Turn};
use common::ids::{ApiKeyId, CustomerId, OrderId, ProductId};
use common::models::auth::Role;
use common::models::ledger::{
    LedgerAnswer, LedgerBatch, LedgerEntry, LedgerFailure, LedgerForecast, LedgerOutcome, ReservedItem,
};
use common::models::order::{Rejection, RejectionCode};
use common::money::Currency;
use common::testing::{TestSigner, fresh_database, server};
use order_service::config::{Settings, SweeperSettings};
use order_service::startup::{AppState, Application};
use order_service::store::events::SOURCES;
use order_service::workflows::dispatch_webhooks::Dispatcher;
use order_service::workflows::sweep::sweep_once;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use wiremock::matchers::{body_json, method, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub struct TestApp {
    pub http: reqwest::Client,
    pub url: String,
    pub internal_url: String,
    pub state: Arc<AppState>,
    pub ledger: Arc<FakeLedger>,
    pub signer: TestSigner,
    pub customers: MockServer,
    pub settings: Settings,
    pub dispatcher: Arc<Dispatcher>,
    pub products: MockServer,
    _stop: oneshot::Sender<()>,
}

/// Decides by what a test wants, and remembers by identity as the real ledger does.
#[derive(Default)]
pub struct FakeLedger {
    pub recorded: Mutex<HashMap<String, LedgerOutcome>>,
    pub calls: Mutex<Vec<LedgerBatch>>,
    /// Products that are out of stock.
    pub sold_out: Mutex<Vec<ProductId>>,
    /// Products of which nothing was ever reserved, the ledger says.
    pub contradicting: Mutex<Vec<ProductId>>,
    /// Calls that are to fail before they do anything.
    pub failing: Mutex<u32>,
    /// Calls that are to do their work and lose the answer.
    pub losing: Mutex<u32>,
}

impl FakeLedger {
    fn decide(&self, entry: &LedgerEntry) -> LedgerOutcome {
        let sold_out = self.sold_out.lock().unwrap();
        match entry {
            LedgerEntry::Reserve { lines, .. } => {
                match lines.iter().find(|line| sold_out.contains(&line.product_id)) {
                    Some(line) => refused(RejectionCode::OutOfStock, Some(line.product_id)),
                    None => LedgerOutcome::Reserved {
                        currency: Currency::EUR,
                        items: lines
                            .iter()
                            .map(|line| ReservedItem {
                                product_id: line.product_id,
                                quantity: line.quantity.get(),
                                sku: "SKU-1".parse().unwrap(),
                                name: "A thing".into(),
                                unit_price_minor: 1250,
                            })
                            .collect(),
                    },
                }
            }
            LedgerEntry::Refuse { .. } => refused(RejectionCode::Expired, None),
            LedgerEntry::Release { lines, .. }
            | LedgerEntry::Ship { lines, .. }
            | LedgerEntry::Return { lines, .. } => {
                let contradicting = self.contradicting.lock().unwrap();
                if lines.iter().any(|line| contradicting.contains(&line.product_id)) {
                    LedgerOutcome::Failed { code: LedgerFailure::Contradiction }
                } else {
                    LedgerOutcome::Applied
                }
            }
        }
    }

    pub fn entries(&self) -> Vec<LedgerEntry> {
        self.calls.lock().unwrap().iter().flat_map(|batch| batch.entries.clone()).collect()
    }
}

/// A service to which nothing happened.
async fn no_events(peer: &MockServer) {
    Mock::given(method("GET"))
        .and(path("/internal/events"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "events": [], "next": 0, "last": 0 })))
        .with_priority(200)
        .mount(peer)
        .await;
}

fn refused(code: RejectionCode, product_id: Option<ProductId>) -> LedgerOutcome {
    LedgerOutcome::Refused {
        reasons: vec![Rejection { product_id, code, requested: Some(1), available: Some(0) }],
    }
}

struct Responder(Arc<FakeLedger>);

fn take_one(counter: &Mutex<u32>) -> bool {
    let mut left = counter.lock().unwrap();
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let batch: LedgerBatch = serde_json::from_slice(&request.body).unwrap();
        if take_one(&self.0.failing) {
            return ResponseTemplate::new(503);
        }
        let mut recorded = self.0.recorded.lock().unwrap();
        let outcomes = batch.entries.iter().map(|entry| {
            recorded.entry(entry.movement_id().to_string()).or_insert_with(|| self.0.decide(entry)).clone()
        });
        let outcomes = outcomes.collect();
        self.0.calls.lock().unwrap().push(batch);
        if take_one(&self.0.losing) {
            return ResponseTemplate::new(503);
        }
        ResponseTemplate::new(200).set_body_json(LedgerAnswer { outcomes })
    }
}

/// Knows the places `main` and `berlin`, and decides as the ledger would.
struct Forecaster(Arc<FakeLedger>);

impl Respond for Forecaster {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let batch: LedgerBatch = serde_json::from_slice(&request.body).unwrap();
        let named = |entry: &LedgerEntry| match entry {
            LedgerEntry::Ship { location_id, .. } | LedgerEntry::Return { location_id, .. } => {
                location_id.clone()
            }
            _ => None,
        };
        let unknown = batch.entries.iter().filter_map(named);
        let unknown = unknown.filter(|place| !["main", "berlin"].contains(&place.as_str()));
        let outcomes = batch.entries.iter().map(|entry| self.0.decide(entry)).collect();
        let forecast = LedgerForecast { outcomes, unknown_locations: unknown.collect() };
        ResponseTemplate::new(200).set_body_json(forecast)
    }
}

/// Sweeps everything, however young.
pub const SWEEP_ALL: SweeperSettings = SweeperSettings { interval_ms: 1, older_than_ms: -1000, orders: 500 };

impl TestApp {
    pub async fn start() -> Self {
        let signer = TestSigner::new().unwrap();
        let ledger = Arc::new(FakeLedger::default());
        let (customers, products) = (MockServer::start().await, MockServer::start().await);
        Mock::given(method("GET"))
            .and(path("/.well-known/jwks.json"))
            .respond_with(ResponseTemplate::new(200).set_body_json(signer.jwks()))
            .mount(&customers)
            .await;
        Mock::given(method("POST"))
            .and(path("/internal/ledger"))
            .respond_with(Responder(ledger.clone()))
            .mount(&products)
            .await;
        Mock::given(method("POST"))
            .and(path("/internal/ledger/forecast"))
            .respond_with(Forecaster(ledger.clone()))
            .mount(&products)
            .await;
        let mut settings = Settings::defaults().unwrap();
        // Tests collect when they want to.
        settings.events.enabled = false;
        settings.webhooks.enabled = false;
        settings.webhooks.allow_http = true;
        settings.webhooks.allowed_networks = vec!["127.0.0.0/8".to_owned()];
        settings.webhooks.timeout_ms = 2_000;
        settings.http.public_port = 0;
        settings.http.internal_port = 0;
        settings.http.workers = 1;
        settings.http.stop_delay_ms = 0;
        settings.mongo.uri = server("MONGO_URI").into();
        settings.mongo.database = fresh_database();
        settings.tokens.keys_url = format!("{}/.well-known/jwks.json", customers.uri());
        settings.peers.customer_url = customers.uri();
        settings.peers.product_url = products.uri();
        for peer in [&customers, &products] {
            no_events(peer).await;
        }
        let app = Application::build(settings.clone()).await.unwrap();
        let url = format!("http://127.0.0.1:{}", app.public_port().unwrap());
        let internal_url = format!("http://127.0.0.1:{}", app.internal_port().unwrap());
        let (state, dispatcher) = (app.state(), app.dispatcher());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(app.run_until_stopped(async move {
            // The sender is dropped with the test: that is the signal.
            drop(stopped.await);
        }));
        let http = common::http::peer::client().unwrap();
        Self {
            http,
            url,
            internal_url,
            state,
            ledger,
            signer,
            customers,
            settings,
            dispatcher,
            products,
            _stop: stop,
        }
    }

    /// What looks for changes, turn by turn.
    pub async fn collector(&self) -> Collector {
        Collector::connect(&self.settings.mongo, "test", self.settings.events, &SOURCES).await.unwrap()
    }

    /// Everything that happened is in the feed.
    pub async fn collect(&self) {
        assert_eq!(self.collector().await.catch_up_and_leave().await.unwrap(), Turn::Idle);
    }

    /// A customer with a fresh token.
    pub fn customer(&self) -> Someone<'_> {
        self.someone(CustomerId::new(), Role::Customer)
    }

    pub fn staff(&self) -> Someone<'_> {
        self.someone(CustomerId::new(), Role::Staff)
    }

    pub fn someone(&self, id: CustomerId, role: Role) -> Someone<'_> {
        Someone { app: self, id, token: self.signer.token(id, role).unwrap() }
    }

    /// What customer-service knows of a customer.
    pub async fn customer_standing(&self, id: CustomerId, status: &str, calls: u64) {
        self.standing(id, json!({ "id": id, "status": status }), calls).await;
    }

    pub async fn standing(&self, id: CustomerId, standing: Value, calls: u64) {
        Mock::given(method("GET"))
            .and(path(format!("/internal/customers/{id}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(standing))
            .expect(calls)
            .mount(&self.customers)
            .await;
    }

    /// A key that customer-service knows.
    pub async fn api_key(&self, scopes: &[&str]) -> ApiKeyText {
        let key = ApiKeyText::new(ApiKeyId::new(), [7; 32]);
        Mock::given(method("POST"))
            .and(path("/internal/api-keys/verify"))
            .and(body_json(key.presented()))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "id": key.id, "scopes": scopes })))
            .expect(1)
            .mount(&self.customers)
            .await;
        key
    }

    /// Whoever bears this, with a customer to order for.
    pub fn bearing(&self, id: CustomerId, bearer: String) -> Someone<'_> {
        Someone { app: self, id, token: bearer }
    }

    pub async fn no_customers(&self) {
        Mock::given(method("GET"))
            .and(path_regex("^/internal/customers/"))
            .respond_with(ResponseTemplate::new(404))
            .mount(&self.customers)
            .await;
    }

    pub async fn sweep(&self) {
        sweep_once(&self.state, &SWEEP_ALL).await;
    }
}

/// A caller with a token.
pub struct Someone<'a> {
    app: &'a TestApp,
    pub id: CustomerId,
    pub token: String,
}

impl Someone<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.http.request(method, format!("{}{path}", self.app.url)).bearer_auth(&self.token)
    }

    pub async fn place(&self, body: &Value, key: Option<&str>) -> Response {
        let mut request = self.request(Method::POST, "/orders").json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await.unwrap()
    }

    /// Places an order of one line and expects it to be confirmed.
    pub async fn placed(&self, product: ProductId, quantity: u32) -> Value {
        let response = self.place(&self.order(product, quantity), None).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response.json().await.unwrap()
    }

    pub fn order(&self, product: ProductId, quantity: u32) -> Value {
        json!({ "customerId": self.id, "productId": product, "quantity": quantity })
    }

    /// One move of an order, such as `hold` or `returns/{id}/approve`.
    pub async fn go(&self, order: &Value, part: &str, body: Value) -> Response {
        self.go_with(order, part, body, None).await
    }

    pub async fn go_with(&self, order: &Value, part: &str, body: Value, key: Option<&str>) -> Response {
        let path = format!("/orders/{}/{part}", order["id"].as_str().unwrap());
        let mut request = self.request(Method::POST, &path).json(&body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await.unwrap()
    }

    /// A move that is expected to succeed: the order after it.
    pub async fn went(&self, order: &Value, part: &str, body: Value) -> Value {
        let response = self.go(order, part, body).await;
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{part}: {answer}");
        answer
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn get_order(&self, id: &Value) -> Value {
        let response = self.get(&format!("/orders/{}", id.as_str().unwrap())).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub async fn cancel(&self, id: &Value, key: Option<&str>) -> Response {
        let mut request = self.request(Method::POST, &format!("/orders/{}/cancel", id.as_str().unwrap()));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await.unwrap()
    }
}

/// The status and the problem's code.
pub async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert!(body["requestId"].is_string());
    (status, body["code"].as_str().unwrap().to_owned())
}

pub fn order_id(value: &Value) -> OrderId {
    value.as_str().unwrap().parse().unwrap()
}
