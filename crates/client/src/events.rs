//! The feed of events.

use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::models::event::{Event, TypeFilter};
use reqwest::Method;

impl Client {
    /// One page of `GET /events`, oldest first; `limit` 1 to 200, 50 where it is `None`; `after` a cursor, `latest`, or
    /// `None` for the oldest that is kept. There always is a next page: where it is empty, nothing has happened yet.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
    /// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
    /// # let client = client.build()?;
    /// let wanted = "order.*,stock.*".parse()?;
    /// let mut page = client.events(&wanted, Some(200), None).await?;
    /// while !page.items.is_empty() {
    ///     for event in &page.items {
    ///         println!("{} {} {}", event.at, event.kind, event.entity.id);
    ///     }
    ///     // Kept beside what was done with the events, it is where the next start goes on.
    ///     let cursor = page.next;
    ///     page = client.events(&wanted, Some(200), cursor.as_deref()).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn events(
        &self,
        wanted: &TypeFilter,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Event>, Error> {
        let call = self.call(Method::GET, &["events"]).page(limit, after);
        let types = (!wanted.is_everything()).then_some(wanted);
        call.query("types", types).send().await?.page()
    }
}
