//! What the load is run against: customers with tokens, products with stock, orders to read. Made through the public
//! API; what an earlier run made is found again.

use crate::replay::patience::Patience;
use anyhow::Context as _;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::auth::LogIn;
use common::models::customer::NewCustomer;
use common::models::order::NewOrder;
use common::models::product::NewProduct;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hyper::header::HeaderValue;
use oms_client::Client;
use serde_json::json;
use std::time::Duration;

/// Log-ins that one address is allowed a minute are not many more.
pub const MAX_CUSTOMERS: usize = 90;

const PASSWORD: &str = "customers of the load generator";

/// Units of each product that are there when a run begins.
const STOCK: u32 = 500_000_000;

/// Orders of each customer that reads need.
const ORDERS: usize = 20;

/// Calls in flight while the world is made.
const CONCURRENCY: usize = 16;

const PATIENCE: Duration = Duration::from_secs(90);

#[rustfmt::skip]
const ADJECTIVES: [&str; 10] =
    ["amber", "brass", "cedar", "dotted", "enamel", "folding", "glazed", "heather", "ivory", "jute"];
const NOUNS: [&str; 10] =
    ["basket", "candle", "diary", "easel", "flask", "globe", "hammock", "inkwell", "kettle", "lantern"];

pub struct Shopper {
    pub id: CustomerId,
    /// `Bearer …`
    pub authorization: HeaderValue,
}

pub struct World {
    pub customers: Vec<Shopper>,
    pub products: Vec<ProductId>,
    /// The index of the customer, and the order.
    pub orders: Vec<(usize, OrderId)>,
    /// That products are found by.
    pub words: Vec<&'static str>,
}

/// How large the world is to be.
#[derive(Clone, Copy)]
pub struct Size {
    pub customers: usize,
    pub products: usize,
    pub with_orders: bool,
}

impl World {
    /// `client` is logged in as staff.
    pub async fn make(client: &Client, size: Size) -> anyhow::Result<Self> {
        let patience = Patience::new(PATIENCE);
        let products = stream::iter(0..size.products).map(|number| product(client, &patience, number));
        let products: Vec<ProductId> = products.buffered(CONCURRENCY).try_collect().await?;
        let customers = stream::iter(0..size.customers).map(|number| shopper(client, &patience, number));
        let customers: Vec<Shopper> = customers.buffered(CONCURRENCY).try_collect().await?;
        let mut world = Self {
            customers,
            products,
            orders: Vec::new(),
            words: ADJECTIVES.into_iter().chain(NOUNS).collect(),
        };
        if size.with_orders {
            world.orders = world.place_orders(client, &patience).await?;
        }
        Ok(world)
    }

    async fn place_orders(
        &self,
        client: &Client,
        patience: &Patience,
    ) -> anyhow::Result<Vec<(usize, OrderId)>> {
        let placed = stream::iter(0..self.customers.len() * ORDERS).map(async |number| {
            let customer = number % self.customers.len();
            let product = self.products[number % self.products.len()];
            let order = NewOrder::of_one(self.customers[customer].id, product, 1.try_into()?);
            let key = format!("load-{}-{number}", self.products.len());
            let placed = patience.insist(async || client.place_order(&order, Some(&key)).await).await;
            anyhow::Ok((customer, placed.context("place an order")?.value.id))
        });
        placed.buffer_unordered(CONCURRENCY).try_collect().await
    }

    #[cfg(test)]
    pub fn of_products(products: Vec<ProductId>) -> Self {
        Self { customers: Vec::new(), products, orders: Vec::new(), words: Vec::new() }
    }
}

async fn product(client: &Client, patience: &Patience, number: usize) -> anyhow::Result<ProductId> {
    let adjective = ADJECTIVES[number % ADJECTIVES.len()];
    let noun = NOUNS[number / ADJECTIVES.len() % NOUNS.len()];
    let new: NewProduct = serde_json::from_value(json!({
        "sku": format!("LOAD-{number:05}"),
        "name": format!("{adjective} {noun} {number}"),
        "description": "Made by the load generator.",
        "price": 12.5,
    }))?;
    let key = format!("load-product-{number}");
    let created = patience.insist(async || client.create_product(&new, Some(&key)).await).await;
    let id = created.with_context(|| format!("create product {number}"))?.value.id;
    let stocked = patience.insist(async || client.update_product_inventory(id, STOCK).await).await;
    stocked.with_context(|| format!("stock product {number}"))?;
    Ok(id)
}

async fn shopper(client: &Client, patience: &Patience, number: usize) -> anyhow::Result<Shopper> {
    let new = NewCustomer {
        email: format!("load-{number}@example.com").parse()?,
        password: Some(PASSWORD.parse()?),
        name: "A shopper".parse()?,
    };
    let key = format!("load-customer-{number}");
    let created = patience.insist(async || client.register_customer(&new, Some(&key)).await).await;
    let id = created.with_context(|| format!("register customer {number}"))?.value.id;
    let credentials = LogIn { email: new.email, password: PASSWORD.parse()? };
    let pair = patience.insist(async || client.log_in(&credentials).await).await;
    let token = pair.with_context(|| format!("log customer {number} in"))?.access_token;
    let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))?;
    authorization.set_sensitive(true);
    Ok(Shopper { id, authorization })
}
