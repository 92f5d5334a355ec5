//! The collection `orders`: documents, queries, indexes.

use crate::domain::order::Order;
use common::ids::{MovementId, OrderId};
use common::mongo::{StoreError, ensure_collection, find_surely, is_answering, majority_document};
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc, serialize_to_raw_document_buf};
use mongodb::error::ErrorKind;
use mongodb::options::IndexOptions;
use mongodb::{Collection, Database, IndexModel};
use serde::Serialize;
use std::collections::HashSet;
use std::time::Duration;

/// Longest that a read may run in the database.
pub(super) const MAX_READ: Duration = Duration::from_secs(4);

/// Longest that an update may run in the database, in milliseconds.
const MAX_WRITE_MS: i32 = 4_000;

#[derive(Clone)]
pub struct Orders {
    database: Database,
    pub(super) collection: Collection<Order>,
}

/// What became of one order of [`Orders::record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// A majority has it.
    New,
    /// There is one with this identity; whether a majority has it is not known.
    AlreadyThere,
    /// It may or may not have been written.
    Unknown,
}

/// A change of an order from the version that was read.
#[derive(Clone, Debug)]
pub struct Swap {
    pub from_version: i64,
    pub to: Order,
}

impl Orders {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), collection: database.collection("orders") }
    }

    pub async fn is_answering(&self) -> bool {
        is_answering(&self.database).await
    }

    /// Creates the collection, its validator and its indexes, or brings them up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let partial = |filter: Document| IndexOptions::builder().partial_filter_expression(filter).build();
        let is_due = partial(doc! { "effects.state": "due" });
        let has_edit = partial(doc! { "edit.at": { "$exists": true } });
        let external = doc! {
            "externalId": { "$exists": true },
            "status": { "$in": ["pending", "confirmed", "cancelled", "completed"] },
        };
        let mut has_external_id = partial(external);
        has_external_id.unique = Some(true);
        let mut indexes = vec![
            // Effects that are due; an order without one costs this index nothing, and so below.
            IndexModel::builder().keys(doc! { "effects.state": 1, "_id": 1 }).options(is_due).build(),
            // Edits that wait for their stock.
            IndexModel::builder().keys(doc! { "_id": 1, "edit.at": 1 }).options(has_edit).build(),
            // One order for each external id; one that was rejected gives its own up.
            IndexModel::builder().keys(doc! { "externalId": 1 }).options(has_external_id).build(),
        ];
        indexes.extend(super::listing::indexes());
        ensure_collection(&self.database, "orders", validator(), indexes).await
    }

    /// Inserts pending orders; one that fails does so alone.
    pub async fn record(&self, orders: &[Order]) -> Vec<Recorded> {
        let error = match self.collection.insert_many(orders).ordered(false).await {
            Ok(_) => return vec![Recorded::New; orders.len()],
            Err(error) => error,
        };
        let ErrorKind::InsertMany(failure) = error.kind.as_ref() else {
            tracing::warn!(%error, orders = orders.len(), "orders not recorded");
            return vec![Recorded::Unknown; orders.len()];
        };
        // Without a majority none of them is durable, whatever else the answer says.
        if failure.write_concern_error.is_some() {
            tracing::warn!(%error, orders = orders.len(), "orders recorded without a majority");
            return vec![Recorded::Unknown; orders.len()];
        }
        let mut outcomes = vec![Recorded::New; orders.len()];
        for failed in failure.write_errors.iter().flatten() {
            let outcome = if failed.code == 11000 { Recorded::AlreadyThere } else { Recorded::Unknown };
            if outcome == Recorded::Unknown {
                tracing::error!(
                    code = failed.code,
                    message = failed.message,
                    "an order was refused by the database"
                );
            }
            if let Some(slot) = outcomes.get_mut(failed.index) {
                *slot = outcome;
            }
        }
        outcomes
    }

    /// The order, or for certain none: nobody is told that an order which was acknowledged is not there.
    pub async fn find_surely(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        Ok(find_surely(&self.collection, id, MAX_READ).await?)
    }

    /// Reads what a majority has, as far as the primary knows: one that was just elected may miss the latest.
    pub async fn find(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        Ok(self.collection.find_one(doc! { "_id": id }).max_time(MAX_READ).await?)
    }

    pub async fn find_many(&self, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        let ids: Vec<Bson> = ids.iter().map(|id| Bson::from(*id)).collect();
        Ok(self
            .collection
            .find(doc! { "_id": { "$in": ids } })
            .max_time(MAX_READ)
            .await?
            .try_collect()
            .await?)
    }

    /// Changes orders, each if it still has the version it was read with. Answers the identities of those that were
    /// changed, by a majority. Not in one transaction: mongod 6.0 would read its catalogue again for every index of every
    /// order, which costs more than the single commit saves.
    pub async fn swap(&self, swaps: &[Swap]) -> Result<HashSet<OrderId>, StoreError> {
        let changed = modified(&self.database.run_raw_command(self.update_command(swaps)?).await?)?;
        if changed == swaps.len() {
            return Ok(swaps.iter().map(|swap| swap.to.id).collect());
        }
        if let ([_], 0) = (swaps, changed) {
            return Ok(HashSet::new());
        }
        // The answer does not say which ones were changed.
        let ids: Vec<OrderId> = swaps.iter().map(|swap| swap.to.id).collect();
        let now = self.find_many(&ids).await?;
        let is_there = |swap: &&Swap| now.iter().any(|order| has_change(order, &swap.to));
        Ok(swaps.iter().filter(is_there).map(|swap| swap.to.id).collect())
    }

    fn update_command(&self, swaps: &[Swap]) -> Result<RawDocumentBuf, StoreError> {
        let updates = swaps
            .iter()
            .map(|swap| Replacement { q: Guard { id: swap.to.id, version: swap.from_version }, u: &swap.to });
        // Serialised once: by way of a document each order would be copied three times, field by field.
        serialize_to_raw_document_buf(&UpdateCommand {
            update: self.collection.name(),
            updates: updates.collect(),
            ordered: false,
            max_time_ms: MAX_WRITE_MS,
            write_concern: majority_document(),
        })
        .map_err(|cause| StoreError::Corrupt(format!("encode: {cause}")))
    }

    /// Marks effects as delivered. It changes nothing that a client sees, so it is no version of the order; a mark
    /// that a concurrent change overwrites is made again after a delivery that finds its movement there.
    pub async fn mark_done(&self, effects: &[(OrderId, MovementId)]) -> Result<(), StoreError> {
        let done = |(order, effect): &(OrderId, MovementId)| {
            doc! {
                "q": { "_id": *order, "effects": { "$elemMatch": { "id": *effect, "state": "due" } } },
                "u": { "$set": { "effects.$.state": "done" } },
            }
        };
        let command = doc! {
            "update": self.collection.name(),
            "updates": effects.iter().map(done).collect::<Vec<_>>(),
            "ordered": false,
            "maxTimeMS": MAX_WRITE_MS,
            "writeConcern": majority_document(),
        };
        check_update(&self.database.run_command(command).await?)
    }
}

/// The command `update` with whole orders.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpdateCommand<'a> {
    update: &'a str,
    updates: Vec<Replacement<'a>>,
    ordered: bool,
    #[serde(rename = "maxTimeMS")]
    max_time_ms: i32,
    write_concern: Document,
}

#[derive(Serialize)]
struct Replacement<'a> {
    q: Guard,
    u: &'a Order,
}

#[derive(Serialize)]
struct Guard {
    #[serde(rename = "_id")]
    id: OrderId,
    version: i64,
}

/// How many documents an update changed, where it failed for none.
fn modified(answer: &Document) -> Result<usize, StoreError> {
    check_update(answer)?;
    Ok(answer.get_i32("nModified").ok().and_then(|changed| usize::try_from(changed).ok()).unwrap_or(0))
}

/// Whether an order has gone through a change, whatever happened to it since.
fn has_change(order: &Order, changed: &Order) -> bool {
    let place = changed.history.len().saturating_sub(1);
    order.id == changed.id && order.history.get(place) == changed.history.last()
}

/// `run_command` succeeds whenever the server answered: what failed stands inside.
fn check_update(answer: &Document) -> Result<(), StoreError> {
    if let Ok(failure) = answer.get_document("writeConcernError") {
        let cause =
            ErrorKind::Io(std::sync::Arc::new(std::io::Error::other(format!("no majority: {failure}"))));
        return Err(StoreError::Unavailable(cause.into()));
    }
    match answer.get_array("writeErrors") {
        Ok(failures) if !failures.is_empty() => {
            Err(StoreError::Corrupt(format!("update refused: {failures:?}")))
        }
        _ => Ok(()),
    }
}

/// What every order must be, whoever writes it.
fn validator() -> Document {
    let units = doc! { "bsonType": ["int", "long"], "minimum": 0 };
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": ["customerId", "status", "fulfillmentStatus", "version", "lines", "fingerprint", "effects", "history",
            "createdAt", "updatedAt"],
        "properties": {
            "_id": { "bsonType": "binData" },
            "customerId": { "bsonType": "binData" },
            "status": { "enum": ["pending", "confirmed", "rejected", "cancelled", "completed"] },
            "version": { "bsonType": ["int", "long"], "minimum": 1 },
            "totalMinor": { "bsonType": ["int", "long"], "minimum": 0 },
            "lines": {
                "bsonType": "array",
                "minItems": 1,
                "items": {
                    "bsonType": "object",
                    "required": ["productId", "quantity", "cancelled", "shipped", "delivered", "returned"],
                    "properties": {
                        "productId": { "bsonType": "binData" },
                        "quantity": { "bsonType": ["int", "long"], "minimum": 1 },
                        "cancelled": units.clone(),
                        "shipped": units.clone(),
                        "delivered": units.clone(),
                        "returned": units,
                    },
                },
            },
            "createdAt": { "bsonType": "date" },
            "updatedAt": { "bsonType": "date" },
        },
    } }
}
