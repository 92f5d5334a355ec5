//! The feed of events over the four real services: what it tells from the start is what there is, whatever was killed.

use crate::placing::{customer, one, patient, product};
use crate::shop::eventually;
use crate::system::System;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::event::{EntityKind, Event, TypeFilter};
use common::models::fulfillment::NewFulfillment;
use common::models::order::Order;
use common::models::order_change::{EditedLine, OrderEdit};
use oms_cli::shop::services::Service;
use oms_client::{Client, MoveOptions};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Customers at the same time.
const CUSTOMERS: usize = 4;

/// Kills of the two services whose logs grow; `OMS_TEST_FEED_KILLS` while compiling sets another number.
const KILLS: &str = match option_env!("OMS_TEST_FEED_KILLS") {
    Some(kills) => kills,
    None => "4",
};

/// Orders that are at least placed between two kills.
const BETWEEN_KILLS: usize = 15;

/// How long the orders between two kills may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings under which a killed collector is soon followed by the next one.
pub const SOON: [(&str, &str); 3] = [
    ("OMS_ORDER__EVENTS__LEASE_MS", "1500"),
    ("OMS_PRODUCT__EVENTS__LEASE_MS", "1500"),
    ("OMS_CUSTOMER__EVENTS__LEASE_MS", "1500"),
];

const PLAIN: MoveOptions<'static> = MoveOptions { key: None, if_version: None };

/// Places orders and moves every one of them in one of four ways; a call that a kill cuts off is made again by the
/// client, and one that fails for good is left as it is.
async fn shop(
    client: Client,
    customer: CustomerId,
    products: [ProductId; 2],
    stop: Arc<AtomicBool>,
) -> Vec<OrderId> {
    let mut placed = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Ok(order) = client.place_order(&one(customer, products[0]), None).await else { continue };
        let id = order.value.id;
        match placed.len() % 4 {
            0 => drop(client.cancel_order(id, None, None).await),
            1 => drop(client.ship_order(id, &NewFulfillment::default(), PLAIN).await),
            2 => {
                let more = EditedLine { product_id: products[1], quantity: 2 };
                let edit = OrderEdit { lines: vec![more], note: None };
                drop(client.edit_order(id, &edit, PLAIN).await);
            }
            _ => {}
        }
        placed.push(id);
    }
    placed
}

/// The feed from its front, as far as it was read.
#[derive(Default)]
pub struct Feed {
    pub events: Vec<Event>,
    after: Option<String>,
}

impl Feed {
    /// Reads what came since, up to the end.
    pub async fn read_on(&mut self, client: &Client) {
        loop {
            let page = client.events(&TypeFilter::default(), Some(200), self.after.as_deref()).await.unwrap();
            let is_last = page.items.is_empty() && page.next == self.after;
            self.events.extend(page.items);
            self.after = page.next;
            if is_last {
                return;
            }
        }
    }
}

/// Each thing's events are numbered without a hole and stand in their order, and none is told twice.
pub fn assert_gap_free(events: &[Event]) {
    let mut sequences: BTreeMap<_, i64> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for event in events {
        assert!(ids.insert(event.id.to_string()), "twice: {event:?}");
        let last = sequences.entry(event.entity).or_default();
        *last += 1;
        assert_eq!(event.sequence, *last, "{event:?}");
    }
}

/// What the last event of each thing of a kind says of it.
fn states(events: &[Event], kind: EntityKind) -> BTreeMap<String, Value> {
    let of_kind = events.iter().filter(|event| event.entity.kind == kind);
    of_kind.map(|event| (event.entity.id.to_string(), event.data.clone())).collect()
}

/// On hand and reserved of each product, from nothing but movements.
fn stock(events: &[Event]) -> BTreeMap<String, (i64, i64)> {
    let mut stock: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.entity.kind == EntityKind::Movement) {
        for line in event.data["lines"].as_array().unwrap() {
            let row = stock.entry(line["productId"].as_str().unwrap().to_owned()).or_default();
            row.0 += line["onHandDelta"].as_i64().unwrap();
            row.1 += line["reservedDelta"].as_i64().unwrap();
        }
    }
    stock
}

/// Every order there is, by identity, as `GET` answers it.
async fn orders(client: &Client) -> BTreeMap<String, Value> {
    let (mut all, mut after) = (BTreeMap::new(), None);
    loop {
        let page = client.orders(Some(200), after.as_deref()).await.unwrap();
        all.extend(page.items.iter().map(|order: &Order| (order.id.to_string(), json!(order))));
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_tells_what_there_is_though_its_collectors_are_killed() {
    let mut system = System::start_with(&SOON).await;
    let admin = system.admin_with(patient);
    let products = [product(&admin, 100_000).await, product(&admin, 100_000).await];
    let stop = Arc::new(AtomicBool::new(false));
    let mut shoppers = Vec::new();
    for _ in 0..CUSTOMERS {
        let customer = customer(&admin).await;
        shoppers.push(tokio::spawn(shop(admin.clone(), customer, products, stop.clone())));
    }
    let mut seen = 0;
    for kill in 0..KILLS.parse().unwrap() {
        let service = if kill % 2 == 0 { Service::Order } else { Service::Product };
        system.kill(service).await;
        system.restart(service).await;
        system.wait_until_ready(service).await;
        let wanted = seen + BETWEEN_KILLS;
        let until = Instant::now() + PATIENCE;
        while seen < wanted {
            assert!(Instant::now() < until, "{seen} orders and no more");
            seen = orders(&admin).await.len();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut placed = Vec::new();
    for shopper in shoppers {
        placed.extend(shopper.await.unwrap());
    }
    let mut feed = Feed::default();
    // What was cut off is settled by the sweeper, and told then.
    eventually("a feed that tells every order as it is, and the stock", async || {
        feed.read_on(&admin).await;
        let there = orders(&admin).await;
        let is_settled =
            there.values().all(|order| order["status"] != "pending" && order["editPending"] != true);
        let is_told = states(&feed.events, EntityKind::Order) == there;
        (is_settled && is_told && is_stock_told(&admin, products, &feed.events).await).then_some(())
    })
    .await;
    let (events, told) = (&feed.events, states(&feed.events, EntityKind::Order));
    assert_gap_free(events);
    assert!(placed.iter().all(|id| told.contains_key(&id.to_string())));
    println!("{} events of {} orders, {KILLS} kills", events.len(), told.len());
    system.stop().await;
}

/// Whether the movements of the feed add up to the stock that there is.
async fn is_stock_told(client: &Client, products: [ProductId; 2], events: &[Event]) -> bool {
    let told = stock(events);
    for product in products {
        let there = client.inventory(product).await.unwrap();
        if told.get(&product.to_string()) != Some(&(there.on_hand, there.reserved)) {
            return false;
        }
    }
    true
}
