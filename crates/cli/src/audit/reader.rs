//! Reads one consistent cut of the three databases while the shop runs, and holds the rules against it.

use super::AuditOptions;
use super::documents::{Audited, IdDocument, MovementDocument, OrderDocument, StockDocument};
use super::ledger::Ledger;
use super::report::Report;
use super::rules;
use common::ids::{CustomerId, OrderId, ProductId};
use common::time::Timestamp;
use mongodb::bson::doc;
use mongodb::error::Error;
use mongodb::options::SessionOptions;
use mongodb::{Client, ClientSession, Collection};
use std::collections::HashSet;

/// Documents of one answer of the server: few round trips, little memory.
const BATCH: u32 = 1_000;

/// Reads everything as of one moment and judges it.
pub async fn audit_once(client: &Client, options: &AuditOptions) -> Result<Report, Error> {
    let mut cut = Cut::open(client).await?;
    let mut report = Report::default();
    let database = |name: &str| client.database(&format!("{}_{name}", options.database_prefix));
    let (customers, orders, products) = (database("customers"), database("orders"), database("products"));

    // The first read fixes the moment of all the others.
    let now = Timestamp::now();
    let mut ledger = Ledger::default();
    report.counts.movements = cut
        .read(&products.collection::<MovementDocument>("movements"), |movement| {
            rules::judge_movement(&movement, &mut report);
            ledger.record(&movement);
        })
        .await?;

    let mut product_ids: HashSet<ProductId> = HashSet::new();
    report.counts.products = cut
        .read(&products.collection::<IdDocument<ProductId>>("products"), |product| {
            product_ids.insert(product.id);
        })
        .await?;
    report.counts.stock = cut
        .read(&products.collection::<StockDocument>("stock"), |row| {
            rules::judge_stock(&row, &mut ledger, &product_ids, &mut report);
        })
        .await?;
    rules::judge_places_left(&ledger, &mut report);

    let mut customer_ids: HashSet<CustomerId> = HashSet::new();
    report.counts.customers = cut
        .read(&customers.collection::<IdDocument<CustomerId>>("customers"), |customer| {
            customer_ids.insert(customer.id);
        })
        .await?;
    let mut missing: HashSet<OrderId> = options.acknowledged.iter().copied().collect();
    report.counts.orders = cut
        .read(&orders.collection::<OrderDocument>("orders"), |order| {
            missing.remove(&order.id);
            let movements = ledger.take_order(order.id);
            rules::orders::judge_order(&order, &movements, &customer_ids, now, &mut report);
        })
        .await?;
    rules::judge_orders_left(&ledger, &mut report);
    rules::judge_acknowledged(&options.acknowledged, &missing, &mut report);
    Ok(report)
}

/// A session whose reads all see the same moment.
struct Cut {
    session: ClientSession,
}

impl Cut {
    async fn open(client: &Client) -> Result<Self, Error> {
        let options = SessionOptions::builder().snapshot(true).build();
        Ok(Self { session: client.start_session().with_options(options).await? })
    }

    /// Streams a collection; answers how many documents it had.
    async fn read<T: Audited>(
        &mut self,
        collection: &Collection<T>,
        mut each: impl FnMut(T),
    ) -> Result<u64, Error> {
        let mut documents = collection
            .find(doc! {})
            .projection(T::projection())
            .batch_size(BATCH)
            .session(&mut self.session)
            .await?;
        let mut count = 0;
        while let Some(document) = documents.next(&mut self.session).await {
            each(document?);
            count += 1;
        }
        Ok(count)
    }
}
