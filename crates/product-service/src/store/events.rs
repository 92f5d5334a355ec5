//! Products and movements as the sources of events.

use super::{ledger, products};
use crate::domain::event::{describe_movement, describe_product};
use common::events::source::{Described, Source};
use common::models::event::EntityKind;
use common::mongo::StoreError;
use mongodb::bson::{Document, RawDocumentBuf, deserialize_from_slice, doc};
use serde::de::DeserializeOwned;

/// Movements last: what moves a product follows the product.
pub const SOURCES: [Source; 2] = [
    Source {
        collection: products::COLLECTION,
        kind: EntityKind::Product,
        time: "updatedAt",
        version: Some("version"),
        index: products_by_change,
        describe: |document| told(describe_product(read(document)?)),
    },
    Source {
        collection: ledger::COLLECTION,
        kind: EntityKind::Movement,
        time: "at",
        version: None,
        index: movements_by_time,
        describe: |document| told(describe_movement(&read(document)?)),
    },
];

pub(super) fn products_by_change() -> Document {
    doc! { "updatedAt": 1, "_id": 1, "version": 1 }
}

pub(super) fn movements_by_time() -> Document {
    doc! { "at": 1, "_id": 1 }
}

fn read<T: DeserializeOwned>(document: &RawDocumentBuf) -> Result<T, StoreError> {
    deserialize_from_slice(document.as_bytes())
        .map_err(|cause| StoreError::Corrupt(format!("the source of an event: {cause}")))
}

fn told(described: Result<Described, serde_json::Error>) -> Result<Described, StoreError> {
    described.map_err(|cause| StoreError::Corrupt(format!("an event: {cause}")))
}
