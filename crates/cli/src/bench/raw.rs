//! The raw ceiling: the same order document, one `insert_one` for each, as durable as the shop's, with as many in
//! flight as the shop has connections.

use anyhow::Context as _;
use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
use mongodb::options::{ClientOptions, WriteConcern};
use mongodb::{Client, Collection, IndexModel};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

/// As large as the services' own.
const POOL: u32 = 32;

pub struct RawInserts {
    uri: String,
    template: Document,
}

impl RawInserts {
    /// The document is one that the shop wrote, and the collection has the same indexes.
    pub async fn prepare(uri: &str) -> anyhow::Result<Self> {
        let client = connect(uri).await?;
        let orders: Collection<Document> = client.database("oms_orders").collection("orders");
        let template = orders.find_one(doc! { "status": "confirmed" }).sort(doc! { "_id": 1 }).await?;
        let template = template.context("the shop has no order to take as a template")?;
        let raw = collection(&client);
        raw.drop().await?;
        let names: Vec<IndexModel> =
            futures_util::TryStreamExt::try_collect(orders.list_indexes().await?).await?;
        let secondary =
            names.into_iter().filter(|index| !index.keys.contains_key("_id") || index.keys.len() > 1);
        raw.create_indexes(secondary).await?;
        client.shutdown().await;
        Ok(Self { uri: uri.to_owned(), template })
    }

    /// Inserts a second.
    pub async fn measure(
        &self,
        concurrency: usize,
        warm_up: Duration,
        duration: Duration,
    ) -> anyhow::Result<f64> {
        let (uri, template) = (self.uri.clone(), self.template.clone());
        let inserting = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, insert(uri, template, concurrency, warm_up, duration))
        });
        inserting.await?
    }
}

async fn insert(
    uri: String,
    template: Document,
    concurrency: usize,
    warm_up: Duration,
    duration: Duration,
) -> anyhow::Result<f64> {
    let client = connect(&uri).await?;
    let raw = collection(&client);
    let counted = Rc::new(Cell::new(0_u64));
    let begun = Instant::now();
    let tasks = (0..concurrency).map(|_| {
        let (raw, template, counted) = (raw.clone(), template.clone(), counted.clone());
        tokio::task::spawn_local(async move {
            while begun.elapsed() < warm_up + duration {
                let mut document = template.clone();
                let bytes = uuid::Uuid::now_v7().as_bytes().to_vec();
                document.insert("_id", Binary { subtype: BinarySubtype::Uuid, bytes });
                raw.insert_one(document).await?;
                if (warm_up..warm_up + duration).contains(&begun.elapsed()) {
                    counted.set(counted.get() + 1);
                }
            }
            anyhow::Ok(())
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await??;
    }
    client.shutdown().await;
    Ok(counted.get() as f64 / duration.as_secs_f64())
}

async fn connect(uri: &str) -> anyhow::Result<Client> {
    let mut options = ClientOptions::parse(uri).await?;
    options.max_pool_size = Some(POOL);
    options.write_concern =
        Some(WriteConcern::builder().w(mongodb::options::Acknowledgment::Majority).journal(true).build());
    Ok(Client::with_options(options)?)
}

fn collection(client: &Client) -> Collection<Document> {
    client.database("oms_bench").collection("orders")
}
