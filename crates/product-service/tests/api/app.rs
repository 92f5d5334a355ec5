//! The running service and one method for each of its endpoints.

use common::ids::{CustomerId, MovementId, OrderId, ProductId};
use common::models::auth::Role;
use common::models::ledger::{LedgerAnswer, LedgerBatch, LedgerEntry, LedgerOutcome};
use common::models::order::RequestedLine;
use common::testing::{TestSigner, fresh_database, server};
use product_service::config::Settings;
use product_service::startup::Application;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::oneshot;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub const SERVICE_TOKEN: &str = "a-service-token-of-the-tests";

/// The tests share two cores: how long an answer takes is not what they are about.
const PATIENCE_MS: &str = "60000";

pub struct TestApp {
    pub public: String,
    pub internal: String,
    pub database_name: String,
    client: Client,
    staff_token: String,
    pub customer_token: String,
    signer: Arc<TestSigner>,
    keys: Arc<MockServer>,
    redis_uri: String,
    stop: Option<oneshot::Sender<()>>,
    running: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
}

/// An answer read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(&server("REDIS_URI")).await
    }

    /// On a Redis of the test's own choosing.
    pub async fn start_with(redis_uri: &str) -> Self {
        let signer = Arc::new(TestSigner::new().unwrap());
        let keys = MockServer::start().await;
        let jwks = ResponseTemplate::new(200).set_body_json(signer.jwks());
        Mock::given(path("/.well-known/jwks.json")).respond_with(jwks).mount(&keys).await;
        Self::run(signer, Arc::new(keys), fresh_database(), redis_uri.to_owned()).await
    }

    /// Another replica of the same service: another process in production, the same database and Redis.
    pub async fn replica(&self) -> Self {
        Self::run(self.signer.clone(), self.keys.clone(), self.database_name.clone(), self.redis_uri.clone())
            .await
    }

    async fn run(
        signer: Arc<TestSigner>,
        keys: Arc<MockServer>,
        database_name: String,
        redis_uri: String,
    ) -> Self {
        let mut settings = Settings::defaults().unwrap();
        // Tests collect when they want to.
        settings.events.enabled = false;
        settings.http.public_port = 0;
        settings.http.internal_port = 0;
        settings.http.workers = 1;
        settings.http.stop_delay_ms = 0;
        settings.mongo.uri = server("MONGO_URI").into();
        settings.mongo.database = database_name.clone();
        settings.redis.uri = redis_uri.clone().into();
        // As patient as the requests.
        settings.redis.timeout_ms = 1000;
        settings.ledger.write_budget_ms = 30_000;
        settings.tokens.keys_url = format!("{}/.well-known/jwks.json", keys.uri());
        settings.internal.tokens = vec![SERVICE_TOKEN.into()];
        let application = Application::build(settings).await.unwrap();
        let public = format!("http://127.0.0.1:{}", application.public_port().unwrap());
        let internal = format!("http://127.0.0.1:{}", application.internal_port().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(application.run_until_stopped(async move {
            // A test that ends without stopping its application stops it too.
            drop(stopped.await);
        }));
        let app = Self {
            public,
            internal,
            database_name,
            client: Client::builder().no_proxy().build().unwrap(),
            staff_token: signer.token(CustomerId::new(), Role::Staff).unwrap(),
            customer_token: signer.token(CustomerId::new(), Role::Customer).unwrap(),
            signer,
            keys,
            redis_uri,
            stop: Some(stop),
            running: Some(running),
        };
        // On a busy machine the verification keys may take more than one try.
        while send(app.staff(Method::GET, "/products")).await.status == StatusCode::SERVICE_UNAVAILABLE {}
        app
    }

    /// Stops the service as SIGTERM would, and waits for its end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.stop.take());
        self.running.take().unwrap().await.unwrap()
    }

    pub fn token(&self, role: Role) -> String {
        self.signer.token(CustomerId::new(), role).unwrap()
    }

    /// A request to the public listener by nobody.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.public)).header("x-deadline-ms", PATIENCE_MS)
    }

    /// A request to the public listener by staff.
    pub fn staff(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.staff_token)
    }

    /// A request to the internal listener, without a service token.
    pub fn outsider(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.internal)).header("x-deadline-ms", PATIENCE_MS)
    }

    pub async fn create_product(&self, body: &Value) -> Answer {
        send(self.staff(Method::POST, "/products").json(body)).await
    }

    pub async fn create_product_under(&self, key: &str, body: &Value) -> Answer {
        send(self.staff(Method::POST, "/products").header("idempotency-key", key).json(body)).await
    }

    pub async fn show_product(&self, id: ProductId) -> Answer {
        send(self.anonymous(Method::GET, &format!("/products/{id}"))).await
    }

    pub async fn create_category(&self, path: &str) -> Answer {
        let body = json!({ "path": path, "name": path });
        send(self.staff(Method::POST, "/categories").json(&body)).await
    }

    pub async fn show_category(&self, id: &str) -> Answer {
        send(self.anonymous(Method::GET, &format!("/categories/{id}"))).await
    }

    pub async fn list_categories(&self, query: &str) -> Answer {
        send(self.anonymous(Method::GET, &format!("/categories{query}"))).await
    }

    pub async fn change_category(&self, id: &str, body: &Value) -> Answer {
        send(self.staff(Method::PATCH, &format!("/categories/{id}")).json(body)).await
    }

    pub async fn delete_category(&self, id: &str) -> Answer {
        send(self.staff(Method::DELETE, &format!("/categories/{id}"))).await
    }

    pub async fn count_facets(&self, query: &str) -> Answer {
        send(self.anonymous(Method::GET, &format!("/products/facets{query}"))).await
    }

    /// The skus of every page of a list, in their order, and the query of each page.
    pub async fn list_all(&self, query: &str) -> (Vec<Value>, Vec<usize>) {
        let (mut query, mut found, mut pages) = (query.to_owned(), Vec::new(), Vec::new());
        loop {
            let page = self.list_products(&query).await.expect(200);
            let products = page.body.as_array().unwrap().clone();
            pages.push(products.len());
            found.extend(products);
            let link = page.header("link");
            let next = link.strip_prefix("</products").and_then(|rest| rest.split_once(">; rel=\"next\""));
            let Some((next, _)) = next else { return (found, pages) };
            query = next.to_owned();
        }
    }

    pub async fn list_products(&self, query: &str) -> Answer {
        send(self.anonymous(Method::GET, &format!("/products{query}"))).await
    }

    pub async fn change_product(&self, id: ProductId, body: &Value) -> Answer {
        send(self.staff(Method::PATCH, &format!("/products/{id}")).json(body)).await
    }

    pub async fn change_product_at(&self, id: ProductId, version: i64, body: &Value) -> Answer {
        let tag = format!("\"{version}\"");
        send(self.staff(Method::PATCH, &format!("/products/{id}")).header("if-match", tag).json(body)).await
    }

    pub async fn show_inventory(&self, id: ProductId) -> Answer {
        send(self.staff(Method::GET, &format!("/products/{id}/inventory"))).await
    }

    pub async fn set_inventory(&self, id: ProductId, quantity: impl Into<Value>) -> Answer {
        let body = json!({ "quantity": quantity.into() });
        send(self.staff(Method::PUT, &format!("/products/{id}/inventory")).json(&body)).await
    }

    pub async fn adjust_inventory(&self, id: ProductId, delta: i64) -> Answer {
        let body = json!({ "delta": delta, "reason": "counted" });
        send(self.staff(Method::POST, &format!("/products/{id}/inventory/adjustments")).json(&body)).await
    }

    pub async fn adjust_inventory_under(&self, key: &str, id: ProductId, delta: i64) -> Answer {
        let body = json!({ "delta": delta, "reason": "counted" });
        let request = self.staff(Method::POST, &format!("/products/{id}/inventory/adjustments"));
        send(request.header("idempotency-key", key).json(&body)).await
    }

    /// A request of staff about a product's stock.
    pub async fn stock_call(&self, method: Method, id: ProductId, path: &str, body: &Value) -> Answer {
        send(self.staff(method, &format!("/products/{id}/inventory{path}")).json(body)).await
    }

    pub async fn explain(&self, id: ProductId, query: &str) -> Answer {
        send(self.staff(Method::GET, &format!("/products/{id}/inventory/explain{query}"))).await
    }

    pub async fn list_movements(&self, id: ProductId, query: &str) -> Answer {
        send(self.staff(Method::GET, &format!("/products/{id}/inventory/movements{query}"))).await
    }

    pub async fn create_location(&self, id: &str, priority: i32) -> Answer {
        let body = json!({ "id": id, "name": id, "priority": priority });
        send(self.staff(Method::POST, "/locations").json(&body)).await
    }

    /// As this bearer.
    pub async fn hold(&self, token: &str, of: &[(ProductId, u32)], ttl_seconds: u32) -> Answer {
        let body = json!({ "lines": lines(of), "ttlSeconds": ttl_seconds });
        send(self.anonymous(Method::POST, "/reservations").bearer_auth(token).json(&body)).await
    }

    pub async fn post_ledger(&self, body: &Value) -> Answer {
        let request = self.outsider(Method::POST, "/internal/ledger");
        send(request.header("x-service-token", SERVICE_TOKEN).json(body)).await
    }

    /// The outcomes of entries that are well formed.
    pub async fn post_entries(&self, entries: Vec<LedgerEntry>) -> Vec<LedgerOutcome> {
        let body = serde_json::to_value(LedgerBatch { entries }).unwrap();
        let answer = self.post_ledger(&body).await.expect(200);
        serde_json::from_value::<LedgerAnswer>(answer.body).unwrap().outcomes
    }

    /// A product with a sku of its own and so many units.
    pub async fn stocked_product(&self, units: u32) -> ProductId {
        let created = self.create_product(&new_product(units)).await.expect(201);
        created.body["id"].as_str().unwrap().parse().unwrap()
    }

    /// The application's database, for looking behind the API.
    pub async fn database(&self) -> mongodb::Database {
        mongodb::Client::with_uri_str(server("MONGO_URI")).await.unwrap().database(&self.database_name)
    }

    /// On hand and reserved, after checking that the movements add up to them (A1).
    pub async fn audited_stock(&self, id: ProductId) -> (i64, i64) {
        use mongodb::bson::{Bson, doc};
        let database = self.database().await;
        let stock = database.collection::<product_service::domain::stock::Stock>("stock");
        let mut rows = stock.find(doc! { "productId": id }).await.unwrap();
        let mut standing = (0, 0);
        while rows.advance().await.unwrap() {
            let row = rows.deserialize_current().unwrap();
            standing = (standing.0 + row.on_hand, standing.1 + row.reserved);
        }
        let sums = [
            doc! { "$unwind": "$lines" },
            doc! { "$match": { "lines.productId": id } },
            doc! { "$group": {
                "_id": null,
                "onHand": { "$sum": "$lines.onHandDelta" },
                "reserved": { "$sum": "$lines.reservedDelta" },
            } },
        ];
        let movements = database.collection::<mongodb::bson::Document>("movements");
        let mut cursor = movements.aggregate(sums).await.unwrap();
        let (mut on_hand, mut reserved) = (0, 0);
        while cursor.advance().await.unwrap() {
            let sum = cursor.deserialize_current().unwrap();
            on_hand = sum.get("onHand").and_then(Bson::as_i64).unwrap();
            reserved = sum.get("reserved").and_then(Bson::as_i64).unwrap();
        }
        assert_eq!(standing, (on_hand, reserved), "the ledger does not add up");
        (on_hand, reserved)
    }

    pub async fn count_movements(&self) -> u64 {
        let movements = self.database().await.collection::<mongodb::bson::Document>("movements");
        movements.count_documents(mongodb::bson::doc! {}).await.unwrap()
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

pub fn new_product(units: u32) -> Value {
    json!({
        "sku": format!("SKU-{}", uuid::Uuid::now_v7()),
        "name": "Teapot",
        "description": "Holds a litre.",
        "price": 19.99,
        "inventory": units,
    })
}

pub fn lines(lines: &[(ProductId, u32)]) -> Vec<RequestedLine> {
    lines
        .iter()
        .map(|&(product_id, quantity)| RequestedLine { product_id, quantity: quantity.try_into().unwrap() })
        .collect()
}

pub fn reserve(order_id: OrderId, of: &[(ProductId, u32)]) -> LedgerEntry {
    LedgerEntry::reserve(order_id, lines(of))
}

pub fn release(id: MovementId, order_id: OrderId, of: &[(ProductId, u32)]) -> LedgerEntry {
    LedgerEntry::Release { id, order_id, lines: lines(of) }
}

pub fn is_reserved(outcome: &LedgerOutcome) -> bool {
    matches!(outcome, LedgerOutcome::Reserved { .. })
}
