//! Products by sku and customers by address, as people name them; ids are understood too.

use super::Desk;
use anyhow::{Context as _, bail};
use common::ids::CustomerId;
use common::models::product::Product;
use common::text::{Email, Sku};
use oms_client::Client;

/// By sku or id.
pub async fn product(client: &Client, named: &str) -> anyhow::Result<Product> {
    if let Ok(id) = named.parse() {
        return client.product(id).await.with_context(|| format!("the product {named}"));
    }
    let Ok(sku) = named.parse::<Sku>() else { bail!("`{named}` is neither a sku nor an id") };
    let found = client.product_by_sku(&sku).await?;
    found.with_context(|| {
        format!("there is no product with the sku {sku}; `oms products list` shows those there are")
    })
}

/// By e-mail address or id; `me` is whose log-in it is.
pub async fn customer(desk: &Desk, client: &Client, named: &str) -> anyhow::Result<CustomerId> {
    if named == "me" {
        return desk.own_customer().await;
    }
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let Ok(email) = named.parse::<Email>() else {
        bail!("`{named}` is neither an e-mail address nor an id; `me` is yourself")
    };
    let found = client.customer_by_email(&email).await?;
    Ok(found.with_context(|| format!("there is no customer with the address {named}"))?.id)
}
