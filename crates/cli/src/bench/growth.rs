//! A shop that has grown: placing and listing with few orders in the database, then with millions of them, which come in
//! the way that a shop brings its history.

#![expect(
    clippy::indexing_slicing,
    reason = "a world has customers and products, and two scenarios have two places"
)]

use super::machine::Machine;
use super::raw::RawInserts;
use super::rounds::median;
use super::shop::BenchShop;
use super::table::with_header;
use crate::load::drive::Pace;
use crate::load::scenario::{Composer, Scenario};
use crate::load::world::World;
use crate::shop::say::say;
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use common::ids::{CustomerId, OrderId};
use common::models::order_import::StockUse;
use common::time::Timestamp;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oms_client::Client;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of so many orders, one is the first customer's.
const LARGE_SHARE: u32 = 20;

/// Rows of one upload, and uploads at once.
const UPLOAD: u32 = 50_000;
const UPLOADS: usize = 2;

/// Rows of one piece of an upload.
const PIECE: u32 = 500;

/// How long ago the first of the orders was placed.
const YEARS_MS: i64 = 5 * 365 * 24 * 60 * 60 * 1_000;

/// The page that is compared with the first one, and how often both are read.
const DEEP_PAGE: usize = 1_000;
const READS: usize = 200;

/// What was measured, with few orders or with many.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stage {
    orders: u64,
    /// A second; the median of the rounds, as what follows.
    raw_inserts: f64,
    placed: f64,
    placed_p99_ms: f64,
    listed: f64,
    listed_p99_ms: f64,
}

/// The report of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Growth {
    machine: Machine,
    imported: u32,
    imported_a_second: f64,
    stages: Vec<Stage>,
    /// Of the customer with most orders, in milliseconds.
    customers_orders: u32,
    first_page_p50_ms: f64,
    deep_page: usize,
    deep_page_p50_ms: f64,
}

/// What a stage is measured with.
pub struct Measuring {
    pub rounds: u8,
    pub pace: Pace,
}

/// Measures, imports `orders`, measures again. Answers every order that was answered 201.
pub async fn grow(
    shop: &BenchShop,
    orders: u32,
    measuring: &Measuring,
    output: &Path,
) -> anyhow::Result<Vec<OrderId>> {
    let mut acknowledged = Vec::new();
    let world = Arc::new(shop.world().await?);
    let before = measuring.stage(shop, &world, &mut acknowledged).await?;
    let begun = Instant::now();
    import(&shop.client()?, &world, orders).await?;
    let imported_a_second = f64::from(orders) / begun.elapsed().as_secs_f64();
    say(&format!("{orders} orders imported, {imported_a_second:.0} a second"));
    // Access tokens end after ten minutes.
    let world = Arc::new(shop.world().await?);
    let after = measuring.stage(shop, &world, &mut acknowledged).await?;
    let (first_page_p50_ms, deep_page_p50_ms) = pages(&shop.client()?, world.customers[0].id).await?;
    let growth = Growth {
        machine: Machine::read(shop.mongo_uri()).await?,
        imported: orders,
        imported_a_second,
        stages: vec![before, after],
        customers_orders: orders / LARGE_SHARE,
        first_page_p50_ms,
        deep_page: DEEP_PAGE,
        deep_page_p50_ms,
    };
    say(&growth.table());
    let json = output.join("growth.json");
    std::fs::write(&json, serde_json::to_vec_pretty(&growth)?).context("write the report")?;
    say(&json.display().to_string());
    Ok(acknowledged)
}

impl Measuring {
    async fn stage(
        &self,
        shop: &BenchShop,
        world: &Arc<World>,
        acknowledged: &mut Vec<OrderId>,
    ) -> anyhow::Result<Stage> {
        let raw = RawInserts::prepare(shop.mongo_uri()).await?;
        let (mut raw_inserts, mut rates, mut latencies) = (Vec::new(), [vec![], vec![]], [vec![], vec![]]);
        for _ in 0..self.rounds {
            let Pace { concurrency, warm_up, duration, .. } = self.pace;
            raw_inserts.push(raw.measure(concurrency, warm_up, duration).await?);
            for (place, scenario) in [Scenario::PlaceUniform, Scenario::ListOrders].into_iter().enumerate() {
                let composer = Composer::new(world.clone(), scenario, None);
                let mut driven = self.pace.drive(&shop.address()?, composer, shop.processes()?).await?;
                acknowledged.append(&mut driven.tally.acknowledged);
                rates[place].push(driven.tally.throughput());
                latencies[place].push(driven.tally.latency_us.value_at_quantile(0.99) as f64 / 1_000.0);
            }
        }
        let [placed, listed] = rates.map(median);
        let [placed_p99_ms, listed_p99_ms] = latencies.map(median);
        let orders = shop.orders().await?;
        let raw_inserts = median(raw_inserts);
        say(&format!(
            "{orders} orders: {placed:.0} placed a second, {listed:.0} lists, {raw_inserts:.0} raw inserts"
        ));
        Ok(Stage { orders, raw_inserts, placed, placed_p99_ms, listed, listed_p99_ms })
    }
}

/// Orders of one line, completed, in the order in which they were placed.
async fn import(client: &Client, world: &Arc<World>, orders: u32) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let uploads = (0..orders).step_by(UPLOAD as usize).map(|first| {
        let (world, until) = (world.clone(), orders.min(first + UPLOAD));
        let piece = move |first: u32| Ok(rows(&world, first..until.min(first + PIECE), orders, now));
        let pieces = stream::iter((first..until).step_by(PIECE as usize).map(piece));
        async move {
            let report = client.import_orders(pieces, StockUse::None, false).await?;
            ensure!(report.failed == 0, "{:?}", report.errors.first());
            anyhow::Ok(until)
        }
    });
    let mut uploads = stream::iter(uploads).buffer_unordered(UPLOADS);
    while let Some(until) = uploads.try_next().await? {
        if until % 500_000 == 0 {
            say(&format!("{until} of {orders} imported"));
        }
    }
    Ok(())
}

fn rows(world: &World, numbers: std::ops::Range<u32>, orders: u32, now: Timestamp) -> Bytes {
    let mut text = String::new();
    for number in numbers {
        let place = number as usize;
        let customer = match number % LARGE_SHARE {
            0 => 0,
            _ => 1 + place % (world.customers.len() - 1),
        };
        let (customer, product) =
            (world.customers[customer].id, world.products[place % world.products.len()]);
        let at = now.plus_millis(-YEARS_MS + YEARS_MS * i64::from(number) / i64::from(orders + 1));
        let row = serde_json::json!({
            "externalId": format!("grown-{number}"),
            "customerId": customer,
            "createdAt": at,
            "status": "completed",
            "currency": "EUR",
            "lines": [{ "productId": product, "unitPrice": 12.5, "quantity": 1 }],
        });
        // Writing to a text does not fail.
        let _written = writeln!(text, "{row}");
    }
    text.into()
}

/// The medians of reading a customer's first page and a deep one, in turn, in milliseconds.
async fn pages(client: &Client, customer: CustomerId) -> anyhow::Result<(f64, f64)> {
    let mut after = None;
    for _ in 1..DEEP_PAGE {
        let page = client.customer_orders(customer, None, after.as_deref()).await?;
        after = Some(page.next.context("the customer has too few orders for a deep page")?);
    }
    let (mut first, mut deep) = (Vec::with_capacity(READS), Vec::with_capacity(READS));
    for _ in 0..READS {
        for (after, times) in [(None, &mut first), (after.as_deref(), &mut deep)] {
            let begun = Instant::now();
            client.customer_orders(customer, None, after).await?;
            times.push(milliseconds(begun.elapsed()));
        }
    }
    Ok((median(first), median(deep)))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

impl Growth {
    fn table(&self) -> String {
        let mut table = with_header([
            "orders in the database",
            "placed a second",
            "p99 ms",
            "lists a second",
            "p99 ms",
            "raw inserts a second",
        ]);
        for stage in &self.stages {
            table.add_row([
                stage.orders.to_string(),
                format!("{:.0}", stage.placed),
                format!("{:.1}", stage.placed_p99_ms),
                format!("{:.0}", stage.listed),
                format!("{:.1}", stage.listed_p99_ms),
                format!("{:.0}", stage.raw_inserts),
            ]);
        }
        if let [before, after] = self.stages.as_slice() {
            table.add_row([
                "many over few".to_owned(),
                format!("{:.2}", after.placed / before.placed),
                format!("{:.2}", after.placed_p99_ms / before.placed_p99_ms),
                format!("{:.2}", after.listed / before.listed),
                format!("{:.2}", after.listed_p99_ms / before.listed_p99_ms),
                format!("{:.2}", after.raw_inserts / before.raw_inserts),
            ]);
        }
        format!(
            "\n{table}\n\nA customer with {} orders: page 1 {:.2} ms, page {} {:.2} ms, ratio {:.2}",
            self.customers_orders,
            self.first_page_p50_ms,
            self.deep_page,
            self.deep_page_p50_ms,
            self.deep_page_p50_ms / self.first_page_p50_ms,
        )
    }
}
