//! `oms orders place`.

use crate::desk::words::WantedLine;
use crate::desk::{Desk, find};
use common::models::order::{NewOrder, Order, RequestedLine};
use common::models::order_label::{ExternalId, OrderRemark};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oms_client::{Client, Error};
use serde_json::Value;
use std::collections::HashMap;

/// Products that are looked up at a time.
const CONCURRENCY: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct PlaceArguments {
    /// What is ordered: SKU=UNITS, or a sku or an id alone for one unit.
    #[arg(required = true)]
    lines: Vec<WantedLine>,
    /// For whom: an e-mail address or an id.
    #[arg(long, default_value = "me")]
    customer: String,
    /// What the customer says to it.
    #[arg(long)]
    note: Option<OrderRemark>,
    /// The order's name in another system.
    #[arg(long)]
    external_id: Option<ExternalId>,
    /// Names the intention: asking again with the same key finds the same order.
    #[arg(long)]
    key: Option<String>,
}

pub(super) async fn place(desk: &Desk, client: &Client, wanted: PlaceArguments) -> anyhow::Result<Order> {
    let customer = find::customer(desk, client, &wanted.customer).await?;
    let lines: Vec<RequestedLine> = stream::iter(&wanted.lines)
        .map(async |WantedLine { product, quantity }| {
            let product_id = find::product(client, product).await?.id;
            Ok::<_, anyhow::Error>(RequestedLine { product_id, quantity: *quantity })
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let order =
        NewOrder { note: wanted.note, external_id: wanted.external_id, ..NewOrder::of_many(customer, lines) };
    let products = order.lines.iter().flatten().zip(&wanted.lines);
    let names = products.map(|(line, named)| (line.product_id.to_string(), named.product.clone())).collect();
    let placed = client.place_order(&order, wanted.key.as_deref()).await;
    let placed = placed.map_err(|refusal| in_their_words(refusal, &names))?;
    if placed.replayed {
        desk.output.remark("An earlier request with this key placed it.");
    }
    Ok(placed.value)
}

/// A refusal that names products as whoever ordered them did.
fn in_their_words(mut refusal: Error, names: &HashMap<String, String>) -> Error {
    if let Error::Problem { problem, .. } = &mut refusal
        && let Some(Value::Array(rejections)) = problem.extensions.get_mut("rejections")
    {
        for product in rejections.iter_mut().filter_map(|rejection| rejection.get_mut("productId")) {
            if let Some(name) = product.as_str().and_then(|id| names.get(id)) {
                *product = name.as_str().into();
            }
        }
    }
    refusal
}
