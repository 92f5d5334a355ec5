//! Orders as the source of events.

use super::listing::by_change;
use crate::domain::event::describe;
use crate::domain::order::Order;
use common::events::source::{Described, Source};
use common::models::event::EntityKind;
use common::mongo::StoreError;
use mongodb::bson::{RawDocumentBuf, deserialize_from_slice};

pub const SOURCES: [Source; 1] = [Source {
    collection: "orders",
    kind: EntityKind::Order,
    time: "updatedAt",
    version: Some("version"),
    index: by_change,
    describe: read,
}];

fn read(document: &RawDocumentBuf) -> Result<Described, StoreError> {
    let order: Order = deserialize_from_slice(document.as_bytes())
        .map_err(|cause| StoreError::Corrupt(format!("an order: {cause}")))?;
    describe(&order).map_err(|cause| StoreError::Corrupt(format!("an order as an event: {cause}")))
}
