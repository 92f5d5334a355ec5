//! A service that holds its sockets and answers nobody.

use crate::placing::assert_clean;
use crate::shop::eventually;
use crate::system::System;
use common::models::order::{NewOrder, OrderStatus};
use oms_cli::shop::services::Service;
use std::time::{Duration, Instant};

#[tokio::test]
async fn while_product_service_stalls_customers_are_served_and_orders_are_told_to_come_back() {
    let mut system = System::start().await;
    let admin = system.admin_with(|builder| builder.retries(0).timeout(Duration::from_secs(30)));
    let seeded = oms_cli::seed::seed(&admin).await.unwrap();
    let (customer, product) = (seeded.customers[0].customer.id, seeded.products[0].id);
    let before = admin.create_order(customer, product, 1).await.unwrap();
    let order = NewOrder::of_one(customer, product, 1.try_into().unwrap());
    let kept = admin.place_order(&order, Some("before-the-stall")).await.unwrap().value;
    system.stall(Service::Product);

    let placing = async {
        let begun = Instant::now();
        let refused = admin.place_order(&order, Some("while-stalled")).await.unwrap_err();
        (refused, begun.elapsed())
    };
    // In one batch, behind that of the first: the repeat of what is settled waits for neither.
    let repeating = async {
        eventually("the first, on its way to the ledger", async || {
            let orders = admin.get_customer_orders(customer).await.unwrap();
            orders.iter().any(|order| order.status == OrderStatus::Pending).then_some(())
        })
        .await;
        let beside = admin.place_order(&order, Some("beside-the-repeat"));
        let (beside, repeated) = tokio::join!(beside, admin.place_order(&order, Some("before-the-stall")));
        assert_eq!(beside.unwrap_err().status(), Some(503));
        repeated.unwrap()
    };
    let reading = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let begun = Instant::now();
            assert_eq!(admin.customer(customer).await.unwrap().id, customer);
            assert_eq!(admin.order(before.id).await.unwrap().id, before.id);
            assert!(admin.get_customer_orders(customer).await.unwrap().len() <= 4);
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let ((refused, waited), repeated, slowest) = tokio::join!(placing, repeating, reading);
    println!("503 after {waited:?}; the slowest of 50 rounds of customer routes meanwhile {slowest:?}");
    // The service says so itself, with the order's identity, before the gateway runs out of patience.
    assert_eq!((refused.status(), refused.code()), (Some(503), Some("order_unsettled")), "{refused}");
    assert_eq!((repeated.value.id, repeated.replayed), (kept.id, true));

    system.go_on(Service::Product);
    let mut placed = vec![before.id, kept.id];
    for key in ["while-stalled", "beside-the-repeat"] {
        let settled = loop {
            match admin.place_order(&order, Some(key)).await {
                Ok(placed) => break placed.value,
                Err(error) => assert_eq!(error.status(), Some(503), "{error}"),
            }
        };
        assert_eq!(settled.status, OrderStatus::Confirmed);
        placed.push(settled.id);
    }
    let orders = admin.get_customer_orders(customer).await.unwrap();
    assert_eq!(orders.len(), 4, "one key is one order");
    assert_clean(&system, placed).await;
    system.stop().await;
}
