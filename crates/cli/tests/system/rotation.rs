//! Secrets change while requests run: the keys that sign access tokens, and the token between services.

use crate::system::System;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use common::ids::{CustomerId, ProductId};
use common::models::auth::{LogIn, TokenPair};
use common::models::customer::NewCustomer;
use common::models::order::OrderStatus;
use common::models::product::NewProduct;
use oms_client::Client;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const PASSWORD: &str = "correct horse battery";

/// Customers who order and renew their tokens without a pause.
const CUSTOMERS: usize = 8;

async fn product(admin: &Client) -> ProductId {
    let new = NewProduct {
        inventory: Some(1_000_000.try_into().unwrap()),
        ..NewProduct::new(
            format!("SKU-{}", ProductId::new()).parse().unwrap(),
            "A thing".parse().unwrap(),
            "12.50".parse().unwrap(),
        )
    };
    admin.create_product(&new, None).await.unwrap().value.id
}

async fn customer(admin: &Client, password: Option<&str>) -> (CustomerId, String) {
    let email = format!("{}@example.com", CustomerId::new());
    let new = NewCustomer {
        email: email.parse().unwrap(),
        password: password.map(|password| password.parse().unwrap()),
        name: "Someone".parse().unwrap(),
    };
    (admin.register_customer(&new, None).await.unwrap().value.id, email)
}

fn kid_of(token: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split_once('.').unwrap().0).unwrap();
    serde_json::from_slice::<serde_json::Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

struct Shopping {
    url: String,
    product: ProductId,
    stop: AtomicBool,
    requests: AtomicU64,
    renewals: AtomicU64,
}

impl Shopping {
    /// Orders, reads and renews until told to stop; any refusal fails the test.
    async fn go(self: Arc<Self>, id: CustomerId, mut pair: TokenPair) {
        while !self.stop.load(Ordering::Relaxed) {
            let client = Client::builder(&self.url).bearer(&pair.access_token).retries(0).build().unwrap();
            for _ in 0..5 {
                let order = client.create_order(id, self.product, 1).await.unwrap();
                assert_eq!(order.status, OrderStatus::Confirmed);
                client.order(order.id).await.unwrap();
                client.customer(id).await.unwrap();
                self.requests.fetch_add(3, Ordering::Relaxed);
            }
            pair = client.refresh(&pair.refresh_token).await.unwrap();
            self.renewals.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn signing_keys_rotate_twice_under_load_and_no_request_is_refused() {
    let system = System::start_with(&[
        ("OMS_CUSTOMER__KEYS__RELOAD_MS", "50"),
        ("OMS_CUSTOMER__KEYS__ACTIVATE_AFTER_S", "3"),
        ("OMS_ORDER__TOKENS__KEYS_REFRESH_MS", "250"),
        ("OMS_PRODUCT__TOKENS__KEYS_REFRESH_MS", "250"),
    ])
    .await;
    let admin = system.admin();
    let shopping = Arc::new(Shopping {
        url: system.url(),
        product: product(&admin).await,
        stop: AtomicBool::new(false),
        requests: AtomicU64::new(0),
        renewals: AtomicU64::new(0),
    });
    let nobody = Client::builder(&system.url()).build().unwrap();
    let (mut shoppers, mut observer) = (Vec::new(), None);
    for _ in 0..CUSTOMERS {
        let (id, email) = customer(&admin, Some(PASSWORD)).await;
        let credentials = LogIn { email: email.parse().unwrap(), password: PASSWORD.parse().unwrap() };
        shoppers.push(tokio::spawn(shopping.clone().go(id, nobody.log_in(&credentials).await.unwrap())));
        observer = Some(credentials);
    }
    let mut pair = nobody.log_in(&observer.unwrap()).await.unwrap();
    let first = kid_of(&pair.access_token);
    for _ in 0..2 {
        let new = oms_cli::keys::rotate(&system.plan.signing_key_file, 2).unwrap();
        while kid_of(&pair.access_token) != new {
            pair = nobody.refresh(&pair.refresh_token).await.unwrap();
        }
        // Everyone works with the new key for a while.
        let before = shopping.renewals.load(Ordering::Relaxed);
        while shopping.renewals.load(Ordering::Relaxed) < before + 2 * CUSTOMERS as u64 {
            tokio::task::yield_now().await;
        }
    }
    shopping.stop.store(true, Ordering::Relaxed);
    for shopper in shoppers {
        shopper.await.unwrap();
    }
    assert_ne!(kid_of(&pair.access_token), first);
    println!(
        "two rotations, {} requests, {} renewals, none refused",
        shopping.requests.load(Ordering::Relaxed),
        shopping.renewals.load(Ordering::Relaxed)
    );
    system.stop().await;
}

#[tokio::test]
async fn services_work_together_in_every_step_of_a_new_token_between_them() {
    let (old, new) = ("the old token between services", "the new token between services");
    let (both, turned) = (format!("{old},{new}"), format!("{new},{old}"));
    // First everyone accepts both, then one after the other sends the new one, then the old one goes.
    for [customer_service, product_service, order_service] in
        [[&*both, &*both, &*turned], [&*turned, &*turned, new], [new, &*turned, new]]
    {
        let system = System::start_with(&[
            ("OMS_CUSTOMER__INTERNAL__TOKENS", customer_service),
            ("OMS_PRODUCT__INTERNAL__TOKENS", product_service),
            ("OMS_ORDER__INTERNAL__TOKENS", order_service),
        ])
        .await;
        let admin = system.admin();
        let (id, _) = customer(&admin, None).await;
        // order-service asks customer-service for the customer and product-service for the stock.
        let order = admin.create_order(id, product(&admin).await, 1).await.unwrap();
        assert_eq!(order.status, OrderStatus::Confirmed);
        system.stop().await;
    }
}
