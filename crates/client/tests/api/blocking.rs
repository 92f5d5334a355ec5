//! The client of programs that do not await.

use crate::shop::{answer_in_turn, client_of, order, requests_to};
use common::ids::{CustomerId, ProductId};
use oms_client::blocking;
use wiremock::{MockServer, ResponseTemplate};

#[test]
fn a_program_without_a_runtime_places_an_order_and_reads_it() {
    // The stand-in for a shop runs elsewhere.
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (customer, product) = (CustomerId::new(), ProductId::new());
    let answer = order(customer, product);
    let shop = elsewhere.block_on(async {
        let shop = MockServer::start().await;
        let placed = ResponseTemplate::new(201).set_body_json(&answer);
        answer_in_turn(&shop, "POST", "/orders", vec![placed]).await;
        let path = format!("/customers/{customer}/orders");
        answer_in_turn(&shop, "GET", &path, vec![ResponseTemplate::new(200).set_body_json([&answer])]).await;
        shop
    });
    let client = blocking::Client::new(client_of(&shop).bearer("a.b.c").build().unwrap()).unwrap();
    let placed = client.create_order(customer, product, 2).unwrap();
    let orders = client.get_customer_orders(customer).unwrap();
    assert_eq!((placed.customer_id, orders[0].id), (customer, placed.id));
    let missing = client.wait(async |client| client.order(placed.id).await);
    assert_eq!(missing.unwrap_err().status(), Some(404));
    assert_eq!(elsewhere.block_on(requests_to(&shop, "/orders")).len(), 1);
    assert!(client.update_product_inventory(product, 3).is_err());
}
