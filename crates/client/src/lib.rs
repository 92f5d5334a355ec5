//! A typed client of the public API.
//!
//! It logs in by itself and stays logged in, repeats what is safe to repeat (every reading call, and every creating
//! one because each carries an idempotency key), and answers every refusal as the problem the service stated.
//!
//! ```
//! use oms_client::{Client, Error};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Error> {
//! # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
//! let client = Client::builder(&url).credentials("staff@shop.example", "a colleague of ours").build()?;
//! let products = client.products(Some("lantern"), None, None).await?;
//! let customers = client.customers(Some(1), None).await?;
//! if let (Some(lantern), Some(customer)) = (products.items.first(), customers.items.first()) {
//!     match client.create_order(customer.id, lantern.id, 2).await {
//!         Ok(order) => println!("{} is {:?}", order.id, order.status),
//!         Err(error) if error.code() == Some("out_of_stock") => println!("no lanterns left"),
//!         Err(error) => return Err(error),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

// The examples of this crate call the shop that OMS_EXAMPLE_SHOP names, which scripts/check-api opens for them; without
// one they are only compiled.

mod access;
mod accounts;
mod auth;
pub mod blocking;
mod call;
mod categories;
mod client;
mod customers;
mod error;
mod events;
mod feed;
mod files;
mod inventory;
mod order_moves;
mod orders;
mod page;
mod products;
mod retry;
mod session;
mod stream;
mod webhooks;

pub use accounts::AuditSearch;
pub use call::Created;
pub use client::{Builder, Client};
pub use error::Error;
pub use files::{Download, ImportOptions, OrderExport};
pub use order_moves::MoveOptions;
pub use orders::OrderSearch;
pub use page::Page;
pub use products::ProductQuery;
