//! A typed client of the public API.
//!
//! It logs in by itself and stays logged in, repeats what is safe to repeat (every reading call, and every creating
//! one because each carries an idempotency key), and answers every refusal as the problem the service stated.
//!
//! ```no_run
//! use oms_client::{Client, Error};
//!
//! # async fn shop() -> Result<(), Error> {
//! let client = Client::builder("http://127.0.0.1:3000").credentials("ada@example.org", "correct horse").build()?;
//! let products = client.products(Some("lamp"), None, None).await?;
//! let customers = client.customers(Some(1), None).await?;
//! if let (Some(lamp), Some(customer)) = (products.items.first(), customers.items.first()) {
//!     match client.create_order(customer.id, lamp.id, 2).await {
//!         Ok(order) => println!("{} is {:?}", order.id, order.status),
//!         Err(error) if error.code() == Some("out_of_stock") => println!("no lamps left"),
//!         Err(error) => return Err(error),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

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
