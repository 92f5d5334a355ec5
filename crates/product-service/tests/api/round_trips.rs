//! How often a reservation, and a batch of them, goes to the database: as the driver saw it.

use crate::app::{TestApp, reserve};
use common::ids::{OrderId, ProductId};
use common::redis::Redis;
use common::testing::{server, watched_database};
use common::time::Timestamp;
use mongodb::Database;
use product_service::config::Settings;
use product_service::domain::entry::Entry;
use product_service::domain::ledger::Terms;
use product_service::domain::places::Places;
use product_service::store::ledger::{Ledger, Lookup, PostError, Posted};
use product_service::store::products::Products;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

async fn post(database: &Database, entries: &[Entry], lookup: Lookup) -> Result<Posted, PostError> {
    let products: BTreeSet<ProductId> = entries.iter().flat_map(Entry::products).collect();
    let mut redis = Settings::defaults().unwrap().redis;
    redis.uri = server("REDIS_URI").into();
    let offers = Products::new(database, Redis::new(&redis).unwrap()).offers(products).await.unwrap();
    let terms = Terms { offers: &offers, places: &Places::default(), at: Timestamp::now() };
    Ledger::new(database).post(entries, terms, lookup, Instant::now() + Duration::from_secs(30)).await
}

#[tokio::test]
async fn a_reservation_is_one_transaction_of_three_commands_and_a_hundred_share_theirs() {
    let app = TestApp::start().await;
    let product = app.stocked_product(1_000).await;
    let (database, sent) = watched_database(&app.database_name).await.unwrap();
    for count in [1, 100] {
        let reservation = |_| Entry::Order(reserve(OrderId::new(), &[(product, 1)]));
        let entries: Vec<Entry> = (0..count).map(reservation).collect();
        sent.take();
        post(&database, &entries, Lookup::Likely).await.unwrap();
        let expected =
            ["find products", "find stock", "update stock", "insert movements", "commitTransaction"];
        assert_eq!(sent.take(), expected, "{count} reservations");
    }
    app.audited_stock(product).await;
}

#[tokio::test]
async fn a_reservation_that_is_there_already_collides_and_writes_nothing() {
    let app = TestApp::start().await;
    let product = app.stocked_product(10).await;
    let (database, _) = watched_database(&app.database_name).await.unwrap();
    let (there, new) = (reserve(OrderId::new(), &[(product, 1)]), reserve(OrderId::new(), &[(product, 1)]));
    app.post_entries(vec![there.clone()]).await;
    let entries = [Entry::Order(new), Entry::Order(there)];
    let collided = post(&database, &entries, Lookup::Likely).await;
    assert!(matches!(collided, Err(PostError::Conflict(_))), "{collided:?}");
    assert_eq!(app.audited_stock(product).await, (10, 1));
    // And looked up, it is answered with what stands.
    post(&database, &entries, Lookup::All).await.unwrap();
    assert_eq!(app.audited_stock(product).await, (10, 2));
}
