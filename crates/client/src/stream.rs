//! Lists as streams: the next page is fetched when somebody wants what is on it.

use crate::client::Client;
use crate::error::Error;
use crate::orders::OrderSearch;
use crate::page::Page;
use crate::products::ProductQuery;
use common::ids::{CustomerId, ProductId};
use common::models::customer::Customer;
use common::models::inventory::{LowStock, Movement};
use common::models::order::Order;
use common::models::product::Product;
use futures_util::stream::{self, Stream, TryStreamExt as _};

/// Entries of a page: enough that a table on a screen is one call.
const PAGE: Option<u8> = Some(100);

impl Client {
    /// Every order that is searched for, over all pages of `GET /orders`.
    pub fn all_orders(&self, search: &OrderSearch) -> impl Stream<Item = Result<Order, Error>> {
        follow(async move |after| self.find_orders(search, PAGE, after.as_deref()).await)
    }

    /// Every order of a customer, newest first.
    ///
    /// ```
    /// use futures_util::{StreamExt as _, TryStreamExt as _};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
    /// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
    /// # let client = client.build()?;
    /// let mara = client.customer_by_email(&"mara@shop.example".parse()?).await?.ok_or("no such customer")?;
    /// let newest: Vec<_> = client.all_customer_orders(mara.id).take(250).try_collect().await?;
    /// println!("{} of her newest 250 orders", newest.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn all_customer_orders(&self, customer_id: CustomerId) -> impl Stream<Item = Result<Order, Error>> {
        follow(async move |after| self.customer_orders(customer_id, PAGE, after.as_deref()).await)
    }

    /// Every product that `wanted` describes.
    pub fn all_products(&self, wanted: &ProductQuery) -> impl Stream<Item = Result<Product, Error>> {
        follow(async move |after| self.find_products(wanted, PAGE, after.as_deref()).await)
    }

    /// Every customer whose address or name begins so.
    pub fn all_customers(
        &self,
        email: Option<&str>,
        name: Option<&str>,
    ) -> impl Stream<Item = Result<Customer, Error>> {
        follow(async move |after| self.find_customers(email, name, PAGE, after.as_deref()).await)
    }

    /// Everything that moved a product's stock, newest first.
    pub fn all_stock_movements(&self, product_id: ProductId) -> impl Stream<Item = Result<Movement, Error>> {
        follow(async move |after| self.stock_movements(product_id, PAGE, after.as_deref()).await)
    }

    /// Every product that runs out.
    pub fn all_low_stock(&self) -> impl Stream<Item = Result<LowStock, Error>> {
        follow(async move |after| self.low_stock(PAGE, after.as_deref()).await)
    }
}

/// Fetches page after page, each by the cursor of the one before. An error ends it.
fn follow<T>(
    fetch: impl AsyncFn(Option<String>) -> Result<Page<T>, Error>,
) -> impl Stream<Item = Result<T, Error>> {
    // The outer option: whether there is a page left; the inner one: its cursor, which the first page has not.
    let pages = stream::try_unfold((fetch, Some(None::<String>)), async |(fetch, after)| {
        let Some(after) = after else { return Ok::<_, Error>(None) };
        let Page { items, next } = fetch(after).await?;
        Ok(Some((stream::iter(items.into_iter().map(Ok)), (fetch, next.map(Some)))))
    });
    pages.try_flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn pages_are_fetched_as_they_are_wanted_and_an_error_ends_the_list() {
        let fetched = AtomicUsize::new(0);
        let list = || {
            follow(async |after: Option<String>| {
                fetched.fetch_add(1, Ordering::Relaxed);
                match after.as_deref() {
                    None => Ok(Page { items: vec![1, 2], next: Some("a".into()) }),
                    Some("a") => Ok(Page { items: vec![3], next: Some("b".into()) }),
                    _ => Err(Error::Timeout),
                }
            })
        };
        let first: Vec<i32> = list().take(2).map(Result::unwrap).collect().await;
        assert_eq!((first, fetched.swap(0, Ordering::Relaxed)), (vec![1, 2], 1));
        let all: Vec<Option<i32>> = list().map(Result::ok).collect().await;
        assert_eq!((all, fetched.load(Ordering::Relaxed)), (vec![Some(1), Some(2), Some(3), None], 3));
    }
}
