//! How often one order, and a batch of orders, goes to the database and to the stock ledger: as the driver and the ledger
//! saw it.

use crate::app::TestApp;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::{NewOrder, RequestedLine};
use common::testing::{SentCommands, fresh_database, watched_database};
use common::time::Timestamp;
use order_service::domain::draft::OrderDraft;
use order_service::domain::order::Order;
use order_service::store::orders::{Orders, Recorded, Swap};
use std::collections::HashMap;

fn pending() -> Order {
    let line = RequestedLine { product_id: ProductId::new(), quantity: 1.try_into().unwrap() };
    let draft = OrderDraft::parse(NewOrder::of_many(CustomerId::new(), vec![line])).unwrap();
    draft.into_pending(OrderId::new(), "someone".into(), Timestamp::now(), &HashMap::new())
}

/// A store, and the commands that it sends to the database.
async fn watched_store() -> (Orders, SentCommands) {
    let (database, sent) = watched_database(&fresh_database()).await.unwrap();
    let store = Orders::new(&database);
    store.ensure().await.unwrap();
    sent.take();
    (store, sent)
}

/// The commands that recording and settling so many orders sends to the database.
async fn commands_of(count: usize) -> Vec<String> {
    let (store, sent) = watched_store().await;
    let orders: Vec<Order> = (0..count).map(|_| pending()).collect();
    assert_eq!(store.record(&orders).await, vec![Recorded::New; count]);
    let swap = |order: &Order| Swap {
        from_version: order.version,
        to: Order { version: order.version + 1, ..order.clone() },
    };
    let swaps: Vec<Swap> = orders.iter().map(swap).collect();
    assert_eq!(store.swap(&swaps).await.unwrap().len(), count);
    sent.take()
}

#[tokio::test]
async fn recording_and_settling_is_one_insert_and_one_update_for_one_order_and_for_a_hundred() {
    for count in [1, 100] {
        assert_eq!(commands_of(count).await, ["insert orders", "update orders"], "{count} orders");
    }
}

#[tokio::test]
async fn that_an_order_is_not_there_is_said_by_a_primary_that_proves_to_be_one() {
    let (store, sent) = watched_store().await;
    let order = pending();
    store.record(std::slice::from_ref(&order)).await;
    assert_eq!(store.find_surely(order.id).await.unwrap(), Some(order));
    assert_eq!(sent.take(), ["insert orders", "find orders"]);
    assert_eq!(store.find_surely(OrderId::new()).await.unwrap(), None);
    assert_eq!(sent.take(), ["find orders", "find orders linearizable"]);
}

#[tokio::test]
async fn one_order_is_one_call_to_the_ledger_and_a_hundred_at_once_share_theirs() {
    let app = TestApp::start().await;
    let customer = app.customer();
    customer.placed(ProductId::new(), 1).await;
    assert_eq!(app.ledger.calls.lock().unwrap().len(), 1);
    let placed = (0..100).map(|_| customer.placed(ProductId::new(), 1));
    futures_util::future::join_all(placed).await;
    let calls = app.ledger.calls.lock().unwrap().len() - 1;
    assert!(calls < 50, "{calls} calls to the ledger for 100 orders");
}
