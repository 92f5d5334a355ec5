//! What is not finished: orders that nobody settled, edits that wait, effects that are due. In pages that begin after
//! the last one, so that what cannot be finished does not stand before the rest.

use super::orders::{MAX_READ, Orders};
use crate::domain::order::{Effect, Order};
use common::http::page::Cursor;
use common::ids::OrderId;
use common::models::order_label::ExternalId;
use common::mongo::StoreError;
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, doc};
use serde::Deserialize;

/// An order by what it owes the ledger.
#[derive(Debug, Deserialize)]
pub struct Debt {
    #[serde(rename = "_id")]
    pub id: OrderId,
    /// What is due, in the order in which it became so.
    pub effects: Vec<Effect>,
}

/// An order by its identity.
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(rename = "_id")]
    id: OrderId,
}

impl Orders {
    /// Orders that were recorded before `before` and never settled, oldest first, after the cursor.
    pub async fn pending_since(
        &self,
        before: Timestamp,
        after: Option<Cursor>,
        limit: i64,
    ) -> Result<Vec<Order>, StoreError> {
        let mut created = doc! { "$lt": before };
        let mut query = doc! { "status": "pending" };
        if let Some(cursor) = after {
            let at = DateTime::from_millis(cursor.at.as_millis());
            let id = Bson::from(OrderId::from_uuid(cursor.id));
            created.insert("$gte", at);
            query.insert("$nor", vec![doc! { "createdAt": at, "_id": { "$lte": id } }]);
        }
        query.insert("createdAt", created);
        let found = self.collection.find(query).sort(doc! { "createdAt": 1, "_id": 1 }).limit(limit);
        Ok(found.max_time(MAX_READ).await?.try_collect().await?)
    }

    /// Orders with an edit that waits for its stock since before `before`, by identity, after one.
    pub async fn edits_waiting_since(
        &self,
        before: Timestamp,
        after: Option<OrderId>,
        limit: i64,
    ) -> Result<Vec<Order>, StoreError> {
        let query = after_id(doc! { "edit.at": { "$lt": before } }, after);
        let found = self.collection.find(query).sort(doc! { "_id": 1 }).limit(limit);
        Ok(found.max_time(MAX_READ).await?.try_collect().await?)
    }

    /// Orders with an effect that is due since before `before`, by identity, after one.
    pub async fn debts_since(
        &self,
        before: Timestamp,
        after: Option<OrderId>,
        limit: i64,
    ) -> Result<Vec<Debt>, StoreError> {
        let is_old = doc! { "$elemMatch": { "state": "due", "at": { "$lt": before } } };
        let query = after_id(doc! { "effects.state": "due", "effects": is_old }, after);
        let is_due = doc! { "$eq": ["$$this.state", "due"] };
        let projection = doc! { "effects": { "$filter": { "input": "$effects", "cond": is_due } } };
        let debts: Collection<Debt> = self.collection.clone_with_type();
        let found = debts.find(query).projection(projection).sort(doc! { "_id": 1 }).limit(limit);
        Ok(found.max_time(MAX_READ).await?.try_collect().await?)
    }

    /// The order with this external id, unless it was rejected.
    pub async fn find_by_external_id(&self, external_id: &ExternalId) -> Result<Option<OrderId>, StoreError> {
        let query = doc! {
            "externalId": external_id.as_str(),
            "status": { "$in": ["pending", "confirmed", "cancelled", "completed"] },
        };
        let named: Collection<Named> = self.collection.clone_with_type();
        let found = named.find_one(query).projection(doc! { "_id": 1 }).max_time(MAX_READ).await?;
        Ok(found.map(|order| order.id))
    }
}

fn after_id(mut query: Document, after: Option<OrderId>) -> Document {
    if let Some(after) = after {
        query.insert("_id", doc! { "$gt": after });
    }
    query
}
