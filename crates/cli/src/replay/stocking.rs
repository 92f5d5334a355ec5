//! What must stand before the first order: customers, products, and stock for the whole file.

use super::Run;
use super::plan::{Plan, PlannedProduct, visible};
use anyhow::Context as _;
use common::ids::{CustomerId, ProductId};
use common::models::customer::NewCustomer;
use common::models::product::{MAX_UNITS, NewAdjustment, NewProduct};
use common::money::Currency;
use common::text::Sku;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oms_client::Error;

/// Identities in the shop, by the places in the plan.
pub struct Shelves {
    pub customers: Vec<CustomerId>,
    /// None for products that no invoice within the limit sells.
    pub products: Vec<Option<ProductId>>,
}

/// Creates what is not there yet and receives the stock.
pub async fn stock(run: &Run, plan: &Plan) -> anyhow::Result<Shelves> {
    let bar = run.progress("customers", plan.customers.len());
    let customers: Vec<_> = stream::iter(&plan.customers)
        .map(|number| async {
            let customer = create_customer(run, number).await;
            bar.inc(1);
            customer
        })
        .buffered(run.concurrency)
        .try_collect()
        .await?;
    bar.finish_and_clear();

    let bar = run.progress("products and their stock", plan.products.len());
    let products: Vec<_> = stream::iter(&plan.products)
        .map(|product| async {
            let stocked = stock_product(run, product, plan.currency).await;
            bar.inc(1);
            stocked
        })
        .buffered(run.concurrency)
        .try_collect()
        .await?;
    bar.finish_and_clear();
    Ok(Shelves { customers, products })
}

/// The account of a customer number, without a password; the walk-in customer's number is empty.
async fn create_customer(run: &Run, number: &str) -> anyhow::Result<CustomerId> {
    let (account, name) = if number.is_empty() {
        ("walk-in".to_owned(), "Walk-in customer".to_owned())
    } else {
        (format!("customer-{number}"), format!("Customer {number}"))
    };
    let customer = NewCustomer {
        email: format!("{account}@replay.example").parse()?,
        password: None,
        name: name.parse()?,
    };
    let key = format!("replay-{account}");
    let created =
        run.patience.insist(async || run.client.register_customer(&customer, Some(&key)).await).await;
    Ok(created.with_context(|| format!("register {account}@replay.example"))?.value.id)
}

async fn stock_product(
    run: &Run,
    product: &PlannedProduct,
    currency: Currency,
) -> anyhow::Result<Option<ProductId>> {
    let Some(new) = product.offer.as_ref().filter(|_| product.is_needed).map(|offer| NewProduct {
        currency: Some(currency),
        ..NewProduct::new(product.sku.clone(), offer.name.clone(), offer.price)
    }) else {
        return Ok(None);
    };
    let key = format!("replay-product-{}", product.sku);
    let created = run.patience.insist(async || run.client.create_product(&new, Some(&key)).await).await;
    let id = match created {
        Ok(created) => created.value.id,
        // Another file brought it with another name or price, or somebody else did.
        Err(Error::Problem { status: 409 | 422, problem }) => find_product(run, &product.sku)
            .await?
            .with_context(|| format!("create {}: {}", product.sku, problem.detail))?,
        Err(error) => return Err(error).with_context(|| format!("create the product {}", product.sku)),
    };
    receive(run, id, product).await?;
    Ok(Some(id))
}

/// Receives units for every sale of the whole file, so that a later run of more of it finds them. The amount is part
/// of the key: a longer file receives its own.
async fn receive(run: &Run, id: ProductId, product: &PlannedProduct) -> anyhow::Result<()> {
    let delta = i64::try_from(product.sold).unwrap_or(i64::MAX).min(MAX_UNITS.into());
    let adjustment = NewAdjustment { delta, reason: "received for a replay".parse()?, location_id: None };
    let key = visible(&format!("replay-stock-{}-{delta}", product.sku), 255);
    let received =
        run.patience.insist(async || run.client.adjust_inventory(id, &adjustment, Some(&key)).await).await;
    received.with_context(|| format!("receive {delta} units of {}", product.sku))?;
    Ok(())
}

/// The product of this sku, by searching the catalogue.
async fn find_product(run: &Run, sku: &Sku) -> anyhow::Result<Option<ProductId>> {
    let found = run.patience.insist(async || run.client.product_by_sku(sku).await).await;
    Ok(found.with_context(|| format!("search for {sku}"))?.map(|product| product.id))
}
