//! How often one order, and a batch of orders, goes to the database and to the stock ledger: as the driver and the ledger
//! saw it.

use crate::app::TestApp;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::{NewOrder, RequestedLine};
use common::testing::{fresh_database, server};
use common::time::Timestamp;
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::ClientOptions;
use order_service::domain::draft::OrderDraft;
use order_service::domain::order::Order;
use order_service::store::orders::{Orders, Recorded, Swap};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

fn pending() -> Order {
    let line = RequestedLine { product_id: ProductId::new(), quantity: 1.try_into().unwrap() };
    let draft = OrderDraft::parse(NewOrder::of_many(CustomerId::new(), vec![line])).unwrap();
    draft.into_pending(OrderId::new(), "someone".into(), Timestamp::now(), &HashMap::new())
}

/// A store, and the commands that it sends to the database.
async fn watched_store() -> (Orders, Arc<Mutex<Vec<String>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = sent.clone();
    let mut options = ClientOptions::parse(server("MONGO_URI")).await.unwrap();
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(started) = event {
            let concern =
                started.command.get_document("readConcern").and_then(|given| given.get_str("level"));
            let proves =
                if concern.is_ok_and(|level| level == "linearizable") { " linearizable" } else { "" };
            seen.lock().unwrap().push(format!("{}{proves}", started.command_name));
        }
    }));
    let database = mongodb::Client::with_options(options).unwrap().database(&fresh_database());
    let store = Orders::new(&database);
    store.ensure().await.unwrap();
    sent.lock().unwrap().clear();
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
    sent.lock().unwrap().clone()
}

#[tokio::test]
async fn recording_and_settling_is_one_insert_and_one_update_for_one_order_and_for_a_hundred() {
    for count in [1, 100] {
        assert_eq!(commands_of(count).await, ["insert", "update"], "{count} orders");
    }
}

#[tokio::test]
async fn that_an_order_is_not_there_is_said_by_a_primary_that_proves_to_be_one() {
    let (store, sent) = watched_store().await;
    let order = pending();
    store.record(std::slice::from_ref(&order)).await;
    assert_eq!(store.find_surely(order.id).await.unwrap(), Some(order));
    assert_eq!(*sent.lock().unwrap(), ["insert", "find"]);
    assert_eq!(store.find_surely(OrderId::new()).await.unwrap(), None);
    assert_eq!(sent.lock().unwrap()[2..], ["find", "find linearizable"]);
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
