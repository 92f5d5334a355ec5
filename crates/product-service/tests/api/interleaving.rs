use crate::app::{TestApp, is_reserved, release, reserve};
use common::ids::{MovementId, OrderId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// How long the clients work; `OMS_TEST_SECONDS` asks for longer.
#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
fn duration() -> Duration {
    let seconds = std::env::var("OMS_TEST_SECONDS").map_or(3, |seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds)
}

/// What the clients were told was done: on hand, and reserved.
#[derive(Default)]
struct Told {
    on_hand: AtomicI64,
    reserved: AtomicI64,
    swaps: AtomicI64,
}

/// Each client does its own kind of thing again and again; what was acknowledged is added up as it was told.
async fn work(app: &TestApp, client: usize, product: common::ids::ProductId, told: &Told, until: Instant) {
    let mut number = client;
    // On a crowded machine nobody may win a compare-and-set before the others have stopped.
    while Instant::now() < until || (client % 5 == 1 && told.swaps.load(Ordering::SeqCst) == 0) {
        number += 1;
        match client % 5 {
            0 => {
                let delta = if number.is_multiple_of(2) { 3 } else { -2 };
                if app.adjust_inventory(product, delta).await.status == 201 {
                    told.on_hand.fetch_add(delta, Ordering::SeqCst);
                }
            }
            1 => {
                let seen = app.show_inventory(product).await.expect(200).body["available"].as_i64().unwrap();
                let body = json!({ "quantity": seen + 1, "expectedQuantity": seen });
                let answer = app.stock_call(Method::PUT, product, "", &body).await;
                assert!(answer.status == 200 || answer.code() == "unexpected_quantity", "{:#}", answer.body);
                if answer.status == 200 {
                    told.on_hand.fetch_add(1, Ordering::SeqCst);
                    told.swaps.fetch_add(1, Ordering::SeqCst);
                }
            }
            2 => {
                let (from, to) = if number.is_multiple_of(2) { ("main", "attic") } else { ("attic", "main") };
                let body = json!({ "from": from, "to": to, "quantity": 1 + number % 3 });
                let answer = app.stock_call(Method::POST, product, "/transfers", &body).await;
                assert!(answer.status == 201 || answer.code() == "below_reserved", "{:#}", answer.body);
            }
            3 => {
                let order = OrderId::new();
                if is_reserved(&app.post_entries(vec![reserve(order, &[(product, 2)])]).await[0]) {
                    let given_back = release(MovementId::new(), order, &[(product, 1)]);
                    app.post_entries(vec![given_back]).await;
                    told.reserved.fetch_add(1, Ordering::SeqCst);
                }
            }
            _ => {
                let body = json!({ "quantity": 1, "locationId": if number.is_multiple_of(2) { "main" } else { "attic" } });
                app.stock_call(Method::POST, product, "/receipts", &body).await.expect(201);
                told.on_hand.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

#[tokio::test]
async fn fifty_clients_at_two_replicas_lose_no_update_of_one_product() {
    let app = TestApp::start().await;
    app.create_location("attic", 1).await.expect(201);
    let replica = app.replica().await;
    let product = app.stocked_product(200).await;
    let (told, until) = (Told::default(), Instant::now() + duration());
    let clients = (0..50).map(|client| {
        let app = if client % 2 == 0 { &app } else { &replica };
        work(app, client, product, &told, until)
    });
    join_all(clients).await;
    let expected = (200 + told.on_hand.load(Ordering::SeqCst), told.reserved.load(Ordering::SeqCst));
    assert_eq!(app.audited_stock(product).await, expected);
    assert!(told.swaps.load(Ordering::SeqCst) > 0);
    let explanation = app.explain(product, "").await.expect(200).body;
    assert_eq!(explanation["addsUp"], json!(true));
    assert_eq!(app.show_product(product).await.expect(200).body["inventory"], json!(expected.0 - expected.1));
}
