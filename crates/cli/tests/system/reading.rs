//! Customers read products while Redis fails in every way it can: nobody is answered an error, nor what was before a
//! change.

use crate::system::System;
use common::ids::ProductId;
use common::models::product::Product;
use hdrhistogram::Histogram;
use oms_client::Client;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Readers at the same time, and what they read together in one round.
const READERS: usize = 16;
const READS: usize = 2_000;

struct Readers {
    http: reqwest::Client,
    url: String,
    products: Vec<ProductId>,
}

impl Readers {
    /// One round of readings; what they took is printed.
    async fn read(self: &Arc<Self>, what: &str) {
        let next = Arc::new(AtomicUsize::new(0));
        let read = |readers: Arc<Self>, next: Arc<AtomicUsize>| async move {
            let mut taken = Histogram::<u64>::new(3).unwrap();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= READS {
                    return taken;
                }
                let product = readers.products[number % readers.products.len()];
                let begun = Instant::now();
                let address = format!("{}/products/{product}", readers.url);
                let answer = readers.http.get(address).send().await.unwrap();
                assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
                assert_eq!(answer.json::<Product>().await.unwrap().id, product);
                taken.record(begun.elapsed().as_micros().try_into().unwrap()).unwrap();
            }
        };
        let tasks: Vec<_> = (0..READERS).map(|_| tokio::spawn(read(self.clone(), next.clone()))).collect();
        let mut taken = Histogram::<u64>::new(3).unwrap();
        for task in tasks {
            taken += task.await.unwrap();
        }
        let at = |quantile| taken.value_at_quantile(quantile);
        println!(
            "{what}: {READS} readings, p50 {} µs, p99 {} µs, longest {} µs",
            at(0.5),
            at(0.99),
            taken.max()
        );
    }
}

/// Sets what is available and sees it at once.
async fn set_and_see(admin: &Client, product: ProductId, units: u32) {
    assert_eq!(admin.update_product_inventory(product, units).await.unwrap().inventory, i64::from(units));
    assert_eq!(admin.product(product).await.unwrap().inventory, i64::from(units));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_answered_while_redis_is_killed_hangs_and_forgets() {
    let mut system = System::start().await;
    let admin = system.admin();
    let products = oms_cli::seed::seed(&admin).await.unwrap().products;
    let one = products[0].id;
    let readers = Arc::new(Readers {
        http: common::http::peer::client().unwrap(),
        url: system.url(),
        products: products.into_iter().map(|product| product.id).collect(),
    });
    readers.read("redis answers").await;

    system.pause_redis();
    set_and_see(&admin, one, 41).await;
    readers.read("redis hangs").await;
    set_and_see(&admin, one, 42).await;
    system.resume_redis();
    // What it kept from before is never shown.
    assert_eq!(admin.product(one).await.unwrap().inventory, 42);
    readers.read("redis goes on").await;
    assert_eq!(admin.product(one).await.unwrap().inventory, 42);

    let reading = readers.clone();
    let forgetting = tokio::spawn(async move { reading.read("redis forgets").await });
    while !forgetting.is_finished() {
        system.flush_redis().await;
    }
    forgetting.await.unwrap();

    system.kill_redis().await;
    set_and_see(&admin, one, 43).await;
    readers.read("redis is gone").await;
    system.restart_redis().await;
    readers.read("redis is back").await;
    set_and_see(&admin, one, 44).await;
    system.stop().await;
}
