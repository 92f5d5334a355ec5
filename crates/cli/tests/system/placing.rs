//! Placing orders through the whole system: the last unit, repeated keys, what nobody may reach.

use crate::system::System;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::customer::NewCustomer;
use common::models::order::{NewOrder, OrderStatus};
use common::models::product::NewProduct;
use futures_util::StreamExt as _;
use futures_util::stream;
use oms_cli::audit::{AuditOptions, audit};
use oms_client::{Builder, Client};
use secrecy::ExposeSecret as _;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A client that comes back, with the same key, for as long as a crowded machine says 503.
pub fn patient(builder: Builder) -> Builder {
    builder.retries(30).timeout(Duration::from_secs(30))
}

pub async fn customer(admin: &Client) -> CustomerId {
    let new = NewCustomer {
        email: format!("{}@example.com", CustomerId::new()).parse().unwrap(),
        password: None,
        name: "Someone".parse().unwrap(),
    };
    admin.register_customer(&new, None).await.unwrap().value.id
}

pub async fn product(admin: &Client, units: u32) -> ProductId {
    let new = NewProduct {
        inventory: Some(units.try_into().unwrap()),
        ..NewProduct::new(
            format!("SKU-{}", ProductId::new()).parse().unwrap(),
            "A thing".parse().unwrap(),
            "12.50".parse().unwrap(),
        )
    };
    admin.create_product(&new, None).await.unwrap().value.id
}

pub fn one(customer_id: CustomerId, product_id: ProductId) -> NewOrder {
    NewOrder::of_one(customer_id, product_id, 1.try_into().unwrap())
}

/// Every invariant holds, and these orders are there.
pub async fn assert_clean(system: &System, acknowledged: Vec<OrderId>) {
    let report = audit(&AuditOptions {
        mongo_uri: system.plan.mongo_uri.expose_secret().to_owned(),
        database_prefix: system.plan.database_prefix.clone(),
        acknowledged,
    })
    .await
    .unwrap();
    assert!(report.is_clean(), "{report}");
}

/// Requests at once for the scarce product; `OMS_TEST_CROWD` while compiling asks for more.
const CROWD: &str = match option_env!("OMS_TEST_CROWD") {
    Some(size) => size,
    None => "500",
};

#[tokio::test]
async fn a_crowd_that_repeats_its_keys_buys_exactly_the_hundred_units_there_are() {
    let system = System::start().await;
    let admin = system.admin_with(patient);
    let (customer, product) = (customer(&admin).await, product(&admin, 100).await);
    let (order, size): (_, usize) = (one(customer, product), CROWD.parse().unwrap());
    // Eight of ten share their key with others.
    let key = |number: usize| match number % 10 {
        0..8 => format!("shared-{}", number % (size / 3)),
        _ => format!("own-{number}"),
    };
    let answers: Vec<_> = stream::iter(0..size)
        .map(|number| {
            let (admin, order, key) = (&admin, &order, key(number));
            async move { (admin.place_order(order, Some(&key)).await, key) }
        })
        .buffer_unordered(size)
        .collect()
        .await;
    let mut outcomes: BTreeMap<String, Option<OrderId>> = BTreeMap::new();
    for (answer, key) in answers {
        let confirmed = match answer {
            Ok(placed) => {
                assert_eq!(placed.value.status, OrderStatus::Confirmed);
                Some(placed.value.id)
            }
            Err(error) => {
                assert_eq!((error.status(), error.code()), (Some(409), Some("out_of_stock")), "{error}");
                None
            }
        };
        let first = *outcomes.entry(key.clone()).or_insert(confirmed);
        assert_eq!(first, confirmed, "{key} was answered in two ways");
    }
    let confirmed: BTreeSet<OrderId> = outcomes.values().copied().flatten().collect();
    println!("{size} requests, {} keys, {} orders confirmed", outcomes.len(), confirmed.len());
    assert_eq!(confirmed.len(), 100);
    let inventory = admin.inventory(product).await.unwrap();
    assert_eq!((inventory.on_hand, inventory.reserved, inventory.available), (100, 100, 0));
    assert_clean(&system, confirmed.into_iter().collect()).await;
    system.stop().await;
}

#[tokio::test]
async fn a_thousand_orders_sent_four_times_each_with_their_keys_are_a_thousand_orders() {
    let system = System::start().await;
    let admin = system.admin_with(patient);
    let (customer, product) = (customer(&admin).await, product(&admin, 5_000).await);
    let order = one(customer, product);
    let keys: Vec<String> = (0..1_000).map(|number| format!("order-{number}")).collect();
    let sent = keys.iter().flat_map(|key| std::iter::repeat_n(key, 4));
    let answers: Vec<(&String, OrderId)> = stream::iter(sent)
        .map(|key| {
            let (admin, order) = (&admin, &order);
            async move { (key, admin.place_order(order, Some(key)).await.unwrap().value.id) }
        })
        .buffer_unordered(200)
        .collect()
        .await;
    let pairs: BTreeSet<(&String, OrderId)> = answers.into_iter().collect();
    assert_eq!(pairs.len(), 1_000, "a key has more than one order");
    let orders: BTreeSet<OrderId> = pairs.iter().map(|(_, id)| *id).collect();
    assert_eq!(orders.len(), 1_000, "an order has more than one key");
    assert_eq!(admin.get_customer_orders(customer).await.unwrap().len(), 1_000);
    assert_eq!(admin.inventory(product).await.unwrap().reserved, 1_000);
    assert_clean(&system, orders.into_iter().collect()).await;
    system.stop().await;
}

#[tokio::test]
async fn an_unknown_product_is_refused_and_the_order_says_so() {
    let system = System::start().await;
    let admin = system.admin();
    let customer = customer(&admin).await;
    let error = admin.place_order(&one(customer, ProductId::new()), None).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(422), Some("unknown_product")));
    let orders = admin.get_customer_orders(customer).await.unwrap();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].status, OrderStatus::Rejected);
    assert_clean(&system, vec![]).await;
    system.stop().await;
}

#[tokio::test]
async fn a_cancelled_order_gives_its_units_back() {
    let system = System::start().await;
    let admin = system.admin();
    let (customer, product) = (customer(&admin).await, product(&admin, 3).await);
    let order = admin.create_order(customer, product, 3).await.unwrap();
    assert_eq!(admin.product(product).await.unwrap().inventory, 0);
    assert_eq!(admin.cancel_order(order.id, None, None).await.unwrap().status, OrderStatus::Cancelled);
    // The release is delivered behind the answer: the next order gets the units as soon as it is there.
    while admin.create_order(customer, product, 3).await.is_err() {}
    assert_clean(&system, vec![order.id]).await;
    system.stop().await;
}
