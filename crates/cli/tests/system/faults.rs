//! Parts of the system fail while customers order.

use crate::system::System;
use common::ids::{CustomerId, ProductId};
use common::models::order::OrderStatus;
use oms_cli::shop::services::Service;
use oms_client::Client;

/// A seeded catalogue, and somebody to order from it.
async fn customer_and_product(admin: &Client) -> (CustomerId, ProductId) {
    let seeded = oms_cli::seed::seed(admin).await.unwrap();
    (seeded.customers[0].customer.id, seeded.products[0].id)
}

#[tokio::test]
async fn orders_and_reads_go_on_without_redis() {
    let mut system = System::start().await;
    let admin = system.admin();
    let (customer, product) = customer_and_product(&admin).await;
    system.kill_redis().await;
    for _ in 0..5 {
        let order = admin.create_order(customer, product, 1).await.unwrap();
        assert_eq!(order.status, OrderStatus::Confirmed);
        assert_eq!(admin.order(order.id).await.unwrap().id, order.id);
    }
    assert_eq!(admin.product(product).await.unwrap().id, product);
    system.stop().await;
}

#[tokio::test]
async fn every_acknowledged_order_is_there_after_each_service_was_killed() {
    let mut system = System::start().await;
    let admin = system.admin();
    let (customer, product) = customer_and_product(&admin).await;
    let mut acknowledged = Vec::new();
    for service in Service::ALL {
        acknowledged.push(admin.create_order(customer, product, 1).await.unwrap().id);
        system.kill(service).await;
        system.restart(service).await;
        system.wait_until_ready(service).await;
    }
    let orders = admin.get_customer_orders(customer).await.unwrap();
    let mut found: Vec<_> = orders.iter().map(|order| order.id).collect();
    found.reverse();
    assert_eq!(found, acknowledged);
    system.stop().await;
}
