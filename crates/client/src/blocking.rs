//! The client for programs that do not await: each call blocks its thread until the answer is there.

use crate::error::Error;
use common::ids::{CustomerId, ProductId};
use common::models::order::Order;
use common::models::product::Product;
use tokio::runtime::{Builder, Runtime};

/// A [`crate::Client`] with a runtime of its own. Not for code that runs within a runtime: blocking there panics.
///
/// ```
/// use oms_client::{Client, blocking};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
/// let client = Client::builder(&url).credentials("staff@shop.example", "a colleague of ours").build()?;
/// let shop = blocking::Client::new(client)?;
/// let (sku, address) = ("ML-TEA-01".parse()?, "mara@shop.example".parse()?);
/// let tea = shop.wait(async |client| client.product_by_sku(&sku).await)?.ok_or("no such product")?;
/// let mara = shop.wait(async |client| client.customer_by_email(&address).await)?.ok_or("no such customer")?;
/// let order = shop.create_order(mara.id, tea.id, 2)?;
/// assert!(shop.get_customer_orders(mara.id)?.iter().any(|other| other.id == order.id));
/// # Ok(())
/// # }
/// ```
pub struct Client {
    client: crate::Client,
    runtime: Runtime,
}

impl Client {
    /// # Errors
    /// [`Error::Configuration`] where the system has no room for a runtime.
    pub fn new(client: crate::Client) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|cause| Error::Configuration(format!("no runtime: {cause}")))?;
        Ok(Self { client, runtime })
    }

    /// Makes any call of the client and waits for it.
    pub fn wait<T>(&self, call: impl AsyncFnOnce(&crate::Client) -> Result<T, Error>) -> Result<T, Error> {
        self.runtime.block_on(call(&self.client))
    }

    /// [`crate::Client::create_order`]
    pub fn create_order(
        &self,
        customer_id: CustomerId,
        product_id: ProductId,
        quantity: u32,
    ) -> Result<Order, Error> {
        self.wait(async |client| client.create_order(customer_id, product_id, quantity).await)
    }

    /// [`crate::Client::get_customer_orders`]
    pub fn get_customer_orders(&self, customer_id: CustomerId) -> Result<Vec<Order>, Error> {
        self.wait(async |client| client.get_customer_orders(customer_id).await)
    }

    /// [`crate::Client::update_product_inventory`]
    pub fn update_product_inventory(&self, product_id: ProductId, quantity: u32) -> Result<Product, Error> {
        self.wait(async |client| client.update_product_inventory(product_id, quantity).await)
    }
}
