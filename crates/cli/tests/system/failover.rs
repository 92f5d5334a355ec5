//! The primary of a replica set of three is killed while customers order: they are told to come back, and nothing is
//! lost.

use crate::placing::{customer, one, product};
use crate::shop::{eventually, programs, servers};
use common::ids::OrderId;
use common::models::order::NewOrder;
use oms_cli::audit::{AuditOptions, audit};
use oms_cli::prove::tally::Tally;
use oms_cli::prove::verdict::wait_until_quiet;
use oms_cli::prove::victims::{Grounds, Victims};
use oms_client::{Client, Error};
use secrecy::ExposeSecret as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often the primary is killed.
const KILLS: u32 = 3;

/// Customers at the same time.
const CUSTOMERS: usize = 16;

/// Orders that must be confirmed before the primary is killed, and before it is started again.
const ORDERS: u64 = 50;

/// Answers that are no confirmation, at most, before an order is given up.
const TRIES: u32 = 500;

/// Customers who order one thing after the other, each as often as it takes.
struct Crowd {
    client: Client,
    order: NewOrder,
    tally: Tally,
    next_key: AtomicU64,
    goes_home: AtomicBool,
}

impl Crowd {
    async fn shop(&self) -> Vec<OrderId> {
        let mut orders = Vec::new();
        while !self.goes_home.load(Ordering::Relaxed) {
            let key = format!("order-{}", self.next_key.fetch_add(1, Ordering::Relaxed));
            let placed =
                self.insist(201, async || self.client.place_order(&self.order, Some(&key)).await).await;
            self.tally.confirmed();
            orders.push(placed.value.id);
            let read = self.insist(200, async || self.client.order(placed.value.id).await).await;
            assert_eq!(read.id, placed.value.id);
        }
        orders
    }

    async fn insist<T>(&self, status: u16, call: impl AsyncFn() -> Result<T, Error>) -> T {
        for _ in 0..TRIES {
            match call().await {
                Ok(answer) => {
                    self.tally.answered(status);
                    return answer;
                }
                Err(error) => self.tally.failed(&error),
            }
            // As a customer who is told to come back: without it the tries are over before there is another primary.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no answer but {:?}", self.tally.counts().answers);
    }

    async fn confirm(&self, more: u64) {
        let enough = self.tally.counts().confirmed + more;
        eventually("an order", async || (self.tally.counts().confirmed >= enough).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_primary_loses_no_order_and_tells_customers_only_to_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let victims = Victims::start(&Grounds {
        servers: &servers(),
        programs: programs(),
        directory: directory.path(),
        members: 3,
        // However long a crowded machine takes to elect another primary.
        settings: &[("OMS_ORDER__SWEEPER__OLDER_THAN_MS", "60000")],
    })
    .await
    .unwrap();
    let client = victims.client().unwrap();
    let order = one(customer(&client).await, product(&client, 1_000_000).await);
    let (next_key, goes_home) = (AtomicU64::new(0), AtomicBool::new(false));
    let crowd = Crowd { client, order, tally: Tally::default(), next_key, goes_home };
    let kills = async {
        for _ in 0..KILLS {
            crowd.confirm(ORDERS).await;
            let primary = eventually("a primary", async || victims.primary().await).await;
            victims.kill(primary).await.unwrap();
            crowd.confirm(ORDERS).await;
            victims.restart(primary).await.unwrap();
        }
        crowd.goes_home.store(true, Ordering::Relaxed);
    };
    let shopping = futures_util::future::join_all((0..CUSTOMERS).map(|_| crowd.shop()));
    let (orders, ()) = tokio::join!(shopping, kills);
    let acknowledged: Vec<OrderId> = orders.into_iter().flatten().collect();

    let counts = crowd.tally.counts();
    println!(
        "{KILLS} primaries killed, {} orders confirmed, longest time without a confirmation {:?}, answers {:?}",
        acknowledged.len(),
        counts.longest_gap,
        counts.answers
    );
    let others: Vec<_> =
        counts.answers.keys().filter(|answer| !["200", "201", "503"].contains(&answer.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
    wait_until_quiet(&victims).await.unwrap();
    let report = audit(&AuditOptions {
        mongo_uri: victims.plan.mongo_uri.expose_secret().to_owned(),
        database_prefix: victims.plan.database_prefix.clone(),
        acknowledged,
    })
    .await
    .unwrap();
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    victims.stop().await;
}
