//! The ledger as people read it: the movements of a product, and what they add up to.

use super::{holds, ledger, stock};
use crate::domain::hold::Hold;
use crate::domain::stock::Stock;
use common::http::page::Cursor;
use common::ids::{HoldId, MovementId, OrderId, ProductId};
use common::models::inventory::{
    ExplainedHold, ExplainedKind, ExplainedOrder, Movement, MovementKind, MovementLine,
};
use common::models::location::LocationId;
use common::mongo::{StoreError, begin_after};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::SessionOptions;
use mongodb::{ClientSession, Collection, Database};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Longest that a query may run in the database: one that adds up a long ledger takes its time.
const QUERY_LIMIT: Duration = Duration::from_secs(4);

#[derive(Clone)]
pub struct Movements {
    database: Database,
    movements: Collection<Document>,
}

/// What the movements of a product add up to, all at one moment.
#[derive(Debug)]
pub struct Sums {
    pub rows: Vec<Stock>,
    pub groups: Vec<Group>,
    /// A page of the orders that have units of it, and one more where there is another page.
    pub orders: Vec<ExplainedOrder>,
    pub holds: Vec<ExplainedHold>,
}

/// Movements of one kind at one place.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub kind: MovementKind,
    pub location_id: LocationId,
    /// Each counted at one of its places alone.
    pub movements: i64,
    pub on_hand: i64,
    pub reserved: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(rename = "_id")]
    id: MovementId,
    kind: MovementKind,
    lines: Vec<MovementLine>,
    #[serde(default)]
    order_id: Option<OrderId>,
    #[serde(default)]
    hold_id: Option<HoldId>,
    actor: String,
    #[serde(default)]
    reason: Option<String>,
    at: Timestamp,
}

impl Movements {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), movements: database.collection(ledger::COLLECTION) }
    }

    /// A page of a product's movements, newest first, with their lines about it alone.
    pub async fn list(
        &self,
        product_id: ProductId,
        after: Option<Cursor>,
        limit: i64,
    ) -> Result<Vec<Movement>, StoreError> {
        let pipeline = [
            doc! { "$match": of_product(product_id, after) },
            doc! { "$sort": newest_first() },
            doc! { "$limit": limit },
            doc! { "$set": { "lines": lines_about(product_id) } },
            doc! { "$project": { "items": 0, "reasons": 0 } },
        ];
        let found = self.movements.aggregate(pipeline).with_type::<Listed>().max_time(QUERY_LIMIT).await?;
        let shown = |listed: Listed| {
            let Listed { id, kind, lines, order_id, hold_id, actor, reason, at } = listed;
            Movement { id, kind, product_id, lines, order_id, hold_id, actor, reason, at }
        };
        Ok(found.map_ok(shown).try_collect().await?)
    }

    /// Adds a product's movements up, beside its stock at the same moment. `None`: there is no such product.
    pub async fn add_up(
        &self,
        product_id: ProductId,
        after: Option<OrderId>,
        limit: i64,
    ) -> Result<Option<Sums>, StoreError> {
        let snapshot = SessionOptions::builder().snapshot(true).build();
        let mut session = self.database.client().start_session().with_options(snapshot).await?;
        let rows = self.database.collection::<Stock>(stock::COLLECTION);
        let mut cursor =
            rows.find(doc! { "productId": product_id }).max_time(QUERY_LIMIT).session(&mut session).await?;
        let rows: Vec<Stock> = cursor.stream(&mut session).try_collect().await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let groups = self.aggregate(groups(product_id), &mut session).await?;
        let orders = self.aggregate(orders(product_id, after, limit), &mut session).await?;
        let holds = self.holds_on(product_id, limit, &mut session).await?;
        Ok(Some(Sums { rows, groups, orders, holds }))
    }

    async fn aggregate<T: DeserializeOwned + Send + Sync>(
        &self,
        pipeline: Vec<Document>,
        session: &mut ClientSession,
    ) -> Result<Vec<T>, Error> {
        let aggregated = self.movements.aggregate(pipeline).with_type::<T>().max_time(QUERY_LIMIT);
        let mut cursor = aggregated.session(&mut *session).await?;
        cursor.stream(session).try_collect().await
    }

    async fn holds_on(
        &self,
        product_id: ProductId,
        limit: i64,
        session: &mut ClientSession,
    ) -> Result<Vec<ExplainedHold>, Error> {
        let holds = self.database.collection::<Hold>(holds::COLLECTION);
        let standing = doc! { "status": "active", "portions.productId": product_id };
        let found = holds.find(standing).sort(doc! { "expiresAt": 1 }).limit(limit).max_time(QUERY_LIMIT);
        let mut cursor = found.session(&mut *session).await?;
        let found: Vec<Hold> = cursor.stream(session).try_collect().await?;
        let explained = |hold: Hold| {
            let of_it = hold.portions.iter().filter(|portion| portion.product_id == product_id);
            let reserved = of_it.map(|portion| portion.units).sum();
            ExplainedHold { hold_id: hold.id, reserved, expires_at: hold.expires_at }
        };
        Ok(found.into_iter().map(explained).collect())
    }
}

/// The order of the list.
pub fn newest_first() -> Document {
    doc! { "at": -1, "_id": -1 }
}

/// The query of one page.
pub fn of_product(product_id: ProductId, after: Option<Cursor>) -> Document {
    let mut query = doc! { "lines.productId": product_id };
    begin_after(&mut query, "at", after);
    query
}

fn lines_about(product_id: ProductId) -> Document {
    let about = doc! { "$eq": ["$$line.productId", Bson::from(product_id)] };
    doc! { "$filter": { "input": "$lines", "as": "line", "cond": about } }
}

fn groups(product_id: ProductId) -> Vec<Document> {
    vec![
        doc! { "$match": of_product(product_id, None) },
        doc! { "$project": { "kind": 1, "lines": lines_about(product_id) } },
        doc! { "$unwind": { "path": "$lines", "includeArrayIndex": "index" } },
        doc! { "$group": {
            "_id": { "kind": "$kind", "locationId": "$lines.locationId" },
            "movements": { "$sum": { "$cond": [{ "$eq": ["$index", 0_i64] }, 1_i64, 0_i64] } },
            "onHand": { "$sum": "$lines.onHandDelta" },
            "reserved": { "$sum": "$lines.reservedDelta" },
        } },
        doc! { "$project": {
            "_id": 0, "kind": "$_id.kind", "locationId": "$_id.locationId",
            "movements": 1, "onHand": 1, "reserved": 1,
        } },
        doc! { "$sort": { "locationId": 1, "kind": 1 } },
    ]
}

fn orders(product_id: ProductId, after: Option<OrderId>, limit: i64) -> Vec<Document> {
    let mut named = doc! { "$exists": true };
    if let Some(after) = after {
        named.insert("$gt", Bson::from(after));
    }
    vec![
        doc! { "$match": { "lines.productId": product_id, "orderId": named } },
        doc! { "$project": { "orderId": 1, "lines": lines_about(product_id) } },
        doc! { "$group": {
            "_id": "$orderId",
            "movements": { "$sum": 1_i64 },
            "onHand": { "$sum": { "$sum": "$lines.onHandDelta" } },
            "reserved": { "$sum": { "$sum": "$lines.reservedDelta" } },
        } },
        doc! { "$match": { "$or": [{ "onHand": { "$ne": 0 } }, { "reserved": { "$ne": 0 } }] } },
        doc! { "$sort": { "_id": 1 } },
        doc! { "$limit": limit },
        doc! { "$project": {
            "_id": 0, "orderId": "$_id", "movements": 1, "reserved": 1,
            "shipped": { "$multiply": ["$onHand", -1_i64] },
        } },
    ]
}

impl Sums {
    /// What each kind of movement did, everywhere.
    pub fn by_kind(&self) -> Vec<ExplainedKind> {
        let mut kinds: Vec<ExplainedKind> = Vec::new();
        for group in &self.groups {
            let known = kinds.iter_mut().find(|kind| kind.kind == group.kind);
            if let Some(kind) = known {
                kind.movements += group.movements;
                kind.on_hand_delta += group.on_hand;
                kind.reserved_delta += group.reserved;
            } else {
                kinds.push(ExplainedKind {
                    kind: group.kind,
                    movements: group.movements,
                    on_hand_delta: group.on_hand,
                    reserved_delta: group.reserved,
                });
            }
        }
        kinds.sort_by_key(|kind| kind.kind);
        kinds
    }

    /// On hand and reserved as the movements of one place add up.
    pub fn at(&self, location_id: &LocationId) -> (i64, i64) {
        let here = self.groups.iter().filter(|group| group.location_id == *location_id);
        here.fold((0, 0), |(on_hand, reserved), group| (on_hand + group.on_hand, reserved + group.reserved))
    }
}
