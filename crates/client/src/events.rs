//! The feed of events.

use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::models::event::{Event, TypeFilter};
use reqwest::Method;

impl Client {
    /// One page of `GET /events`, oldest first; `limit` 1 to 200, 50 where it is `None`; `after` a cursor, `latest`, or
    /// `None` for the oldest that is kept. There always is a next page: where it is empty, nothing has happened yet.
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
