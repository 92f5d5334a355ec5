//! Orders: placing and reading.

use crate::call::Created;
use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::{FulfillmentStatus, NewOrder, Order, OrderSort, OrderStatus};
use common::models::quote::OrderQuote;
use common::time::Timestamp;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

/// Which orders to list, and in which order. Everything that is given must hold; a list is sorted by the time whose range
/// it names, and by the time of creation where it is of one customer or one tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSearch {
    pub sort: Option<OrderSort>,
    pub status: Option<OrderStatus>,
    pub fulfillment_status: Option<FulfillmentStatus>,
    pub customer_id: Option<CustomerId>,
    pub product_id: Option<ProductId>,
    pub external_id: Option<String>,
    pub tag: Option<String>,
    /// From this moment on, and so below.
    pub created_from: Option<Timestamp>,
    /// Before this moment, and so below.
    pub created_to: Option<Timestamp>,
    pub updated_from: Option<Timestamp>,
    pub updated_to: Option<Timestamp>,
}

/// Most entries of one page.
const LARGEST_PAGE: u8 = 200;

impl Client {
    /// Places an order of one product: `POST /orders`. A quantity out of range is the service's 422.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
    /// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
    /// # let client = client.build()?;
    /// let mug = client.product_by_sku(&"ML-MUG-01".parse()?).await?.ok_or("no such product")?;
    /// let mara = client.customer_by_email(&"mara@shop.example".parse()?).await?.ok_or("no such customer")?;
    /// match client.create_order(mara.id, mug.id, 2).await {
    ///     Ok(order) => println!("{} holds its stock", order.id),
    ///     Err(error) if error.code() == Some("out_of_stock") => println!("too few are left"),
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_order(
        &self,
        customer_id: CustomerId,
        product_id: ProductId,
        quantity: u32,
    ) -> Result<Order, Error> {
        let body = json!({ "customerId": customer_id, "productId": product_id, "quantity": quantity });
        self.call(Method::POST, &["orders"]).key(None).json(&body).send().await?.decode()
    }

    /// Every order of a customer, newest first; follows the pages of `GET /customers/{id}/orders` to their end.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
    /// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
    /// # let client = client.build()?;
    /// let mara = client.customer_by_email(&"mara@shop.example".parse()?).await?.ok_or("no such customer")?;
    /// for order in client.get_customer_orders(mara.id).await? {
    ///     println!("{} of {}: {:?}", order.id, order.created_at, order.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_customer_orders(&self, customer_id: CustomerId) -> Result<Vec<Order>, Error> {
        let mut page = self.customer_orders(customer_id, Some(LARGEST_PAGE), None).await?;
        let mut orders = page.items;
        while let Some(after) = page.next {
            page = self.customer_orders(customer_id, Some(LARGEST_PAGE), Some(&after)).await?;
            orders.append(&mut page.items);
        }
        Ok(orders)
    }

    /// One page of `GET /customers/{id}/orders`; `limit` 1 to 200, 50 where it is `None`.
    pub async fn customer_orders(
        &self,
        customer_id: CustomerId,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Order>, Error> {
        let path = ["customers", &customer_id.to_string(), "orders"];
        self.call(Method::GET, &path).page(limit, after).send().await?.page()
    }

    /// `POST /orders`: one to 2,000 lines. `key` names the intention across processes; `None` takes a fresh one.
    ///
    /// ```
    /// use common::models::order::NewOrder;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
    /// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
    /// # let client = client.build()?;
    /// let socks = client.product_by_sku(&"ML-SOCK-01".parse()?).await?.ok_or("no such product")?;
    /// let mara = client.customer_by_email(&"mara@shop.example".parse()?).await?.ok_or("no such customer")?;
    /// let order = NewOrder::of_one(mara.id, socks.id, 2.try_into()?);
    /// let first = client.place_order(&order, Some("checkout-2026-0815")).await?;
    /// let again = client.place_order(&order, Some("checkout-2026-0815")).await?;
    /// assert_eq!((again.value.id, again.replayed), (first.value.id, true));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn place_order(&self, order: &NewOrder, key: Option<&str>) -> Result<Created<Order>, Error> {
        self.call(Method::POST, &["orders"]).key(key).json(order).send().await?.created()
    }

    /// `POST /orders?dryRun=true`: what placing would come to at this moment. Nothing is written or kept.
    pub async fn quote_order(&self, order: &NewOrder) -> Result<OrderQuote, Error> {
        let call = self.call(Method::POST, &["orders"]).query("dryRun", Some(true));
        call.json(order).repeatable().send().await?.decode()
    }

    /// `GET /orders/{id}`
    pub async fn order(&self, id: OrderId) -> Result<Order, Error> {
        self.call(Method::GET, &["orders", &id.to_string()]).send().await?.decode()
    }

    /// One page of `GET /orders` of those that are searched for; `limit` 1 to 200, 50 where it is `None`.
    pub async fn find_orders(
        &self,
        search: &OrderSearch,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Order>, Error> {
        let call = self.call(Method::GET, &["orders"]).parameters(search)?;
        call.page(limit, after).send().await?.page()
    }

    /// One page of `GET /orders`; `limit` 1 to 200, 50 where it is `None`.
    pub async fn orders(&self, limit: Option<u8>, after: Option<&str>) -> Result<Page<Order>, Error> {
        self.call(Method::GET, &["orders"]).page(limit, after).send().await?.page()
    }
}
