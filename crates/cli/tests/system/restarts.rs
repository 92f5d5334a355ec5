//! Services are restarted one after the other while customers order: nobody is told anything but yes.

use crate::placing::assert_clean;
use crate::system::System;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::auth::LogIn;
use oms_cli::shop::services::Service;
use oms_client::Client;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Rounds of restarts of the three services behind the gateway; `OMS_TEST_RESTART_ROUNDS` while compiling sets another.
const ROUNDS: &str = match option_env!("OMS_TEST_RESTART_ROUNDS") {
    Some(rounds) => rounds,
    None => "2",
};

/// Customers at the same time.
const CUSTOMERS: u64 = 8;

/// One customer's calls, each sent once: what the gateway does not mend is a failure.
struct Load {
    http: reqwest::Client,
    url: String,
    token: String,
    customer: CustomerId,
    product: ProductId,
    next_key: AtomicU64,
    stop: AtomicBool,
}

/// What a customer was told, by call and status.
type Told = BTreeMap<String, u64>;

impl Load {
    async fn run(self: Arc<Self>) -> (Told, Vec<OrderId>) {
        let (mut told, mut acknowledged) = (Told::new(), Vec::new());
        while !self.stop.load(Ordering::Relaxed) {
            let key = format!("order-{}", self.next_key.fetch_add(1, Ordering::Relaxed));
            let order = json!({ "customerId": self.customer, "productId": self.product, "quantity": 1 });
            let placing =
                self.http.post(format!("{}/orders", self.url)).header("idempotency-key", key).json(&order);
            let (status, body) = self.call(placing).await;
            *told.entry(format!("POST /orders {status}")).or_default() += 1;
            if let Some(id) = body["id"].as_str().filter(|_| status == "201") {
                acknowledged.push(id.parse().unwrap());
                let (status, _) = self.call(self.http.get(format!("{}/orders/{id}", self.url))).await;
                *told.entry(format!("GET /orders/{{id}} {status}")).or_default() += 1;
            }
            let (status, _) =
                self.call(self.http.get(format!("{}/products/{}", self.url, self.product))).await;
            *told.entry(format!("GET /products/{{id}} {status}")).or_default() += 1;
            let (status, _) =
                self.call(self.http.get(format!("{}/customers/{}", self.url, self.customer))).await;
            *told.entry(format!("GET /customers/{{id}} {status}")).or_default() += 1;
        }
        (told, acknowledged)
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> (String, Value) {
        match request.bearer_auth(&self.token).send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let body: Value = answer.json().await.unwrap_or_default();
                if status >= 400 {
                    println!("{status} {body}");
                }
                (status.to_string(), body)
            }
            Err(failure) => (failure.to_string(), Value::Null),
        }
    }
}

/// An access token of the administrator.
pub async fn token(system: &System, client: &Client) -> String {
    let credentials = LogIn {
        email: system.plan.admin.email.parse().unwrap(),
        password: system.plan.admin.password.expose_secret().parse().unwrap(),
    };
    client.log_in(&credentials).await.unwrap().access_token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_behind_the_gateway_lose_no_request() {
    let mut system = System::start_with(&[
        // Long enough for connections to be told that they end.
        ("OMS_CUSTOMER__HTTP__STOP_DELAY_MS", "300"),
        ("OMS_PRODUCT__HTTP__STOP_DELAY_MS", "300"),
        ("OMS_ORDER__HTTP__STOP_DELAY_MS", "300"),
        ("OMS_GATEWAY__UPSTREAMS__IDLE_MS", "150"),
        // A machine that also compiles starts a service slowly.
        ("OMS_GATEWAY__PROXY__DEADLINE_MS", "30000"),
        ("OMS_GATEWAY__PROXY__CONNECT_PATIENCE_MS", "30000"),
    ])
    .await;
    let admin = system.admin();
    let seeded = oms_cli::seed::seed(&admin).await.unwrap();
    let product = seeded.products[0].id;
    admin.update_product_inventory(product, 1_000_000).await.unwrap();
    let load = Arc::new(Load {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        url: system.url(),
        token: token(&system, &admin).await,
        customer: seeded.customers[0].customer.id,
        product,
        next_key: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let customers: Vec<_> = (0..CUSTOMERS).map(|_| tokio::spawn(load.clone().run())).collect();
    let (begun, mut restarts) = (Instant::now(), 0);
    for _ in 0..ROUNDS.parse().unwrap() {
        for service in [Service::Order, Service::Product, Service::Customer] {
            system.restart(service).await;
            system.wait_until_ready(service).await;
            restarts += 1;
        }
    }
    load.stop.store(true, Ordering::Relaxed);
    let (mut told, mut acknowledged) = (Told::new(), Vec::new());
    for customer in customers {
        let (heard, orders) = customer.await.unwrap();
        heard.into_iter().for_each(|(what, times)| *told.entry(what).or_default() += times);
        acknowledged.extend(orders);
    }
    println!("{restarts} restarts in {:?}, {} orders: {told:#?}", begun.elapsed(), acknowledged.len());
    let lost: Told =
        told.into_iter().filter(|(what, _)| !what.ends_with(" 200") && !what.ends_with(" 201")).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert_clean(&system, acknowledged).await;
    system.stop().await;
}
