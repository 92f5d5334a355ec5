//! Lists of orders: which index serves which list, and where a page begins.

use super::orders::{MAX_READ, Orders};
use crate::domain::order::Order;
use common::http::page::{Cursor, Limit};
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::{FulfillmentStatus, OrderStatus};
use common::mongo::StoreError;
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{Hint, IndexOptions};
use serde::Serialize;

const STATUSES: [OrderStatus; 5] = [
    OrderStatus::Pending,
    OrderStatus::Confirmed,
    OrderStatus::Rejected,
    OrderStatus::Cancelled,
    OrderStatus::Completed,
];

/// Which orders a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub customer_id: Option<CustomerId>,
    pub status: Option<OrderStatus>,
    pub fulfillment_status: Option<FulfillmentStatus>,
    pub product_id: Option<ProductId>,
    pub external_id: Option<String>,
    pub tag: Option<String>,
    /// Of the time that the list is sorted by: from this moment on.
    pub from: Option<Timestamp>,
    /// Of the time that the list is sorted by: before this moment.
    pub to: Option<Timestamp>,
}

impl Filter {
    pub fn of_customer(customer_id: CustomerId) -> Self {
        Self { customer_id: Some(customer_id), ..Self::default() }
    }
}

/// Which of its times a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortTime {
    #[default]
    Created,
    Updated,
}

impl SortTime {
    const fn field(self) -> &'static str {
        match self {
            Self::Created => "createdAt",
            Self::Updated => "updatedAt",
        }
    }

    pub const fn of(self, order: &Order) -> Timestamp {
        match self {
            Self::Created => order.created_at,
            Self::Updated => order.updated_at,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    pub time: SortTime,
    pub oldest_first: bool,
}

/// A query with the order of its answers and the one index that gives them in it.
#[derive(Clone, Debug)]
pub struct Listing {
    pub query: Document,
    pub sort: Option<Document>,
    pub index: Option<Document>,
}

/// The indexes that lists are read from, beside those that something else needs as well.
pub(super) fn indexes() -> Vec<IndexModel> {
    let partial = |field: &str| {
        IndexOptions::builder().partial_filter_expression(doc! { field: { "$exists": true } }).build()
    };
    vec![
        // A customer's orders.
        IndexModel::builder().keys(by_customer()).build(),
        // All orders, of one status or of all by merging the five; also the sweeper's, for the pending ones.
        IndexModel::builder().keys(by_status()).build(),
        // What has changed since.
        IndexModel::builder().keys(by_change()).build(),
        // An order without a tag costs this index nothing.
        IndexModel::builder().keys(by_tag()).options(partial("tags")).build(),
    ]
}

fn by_customer() -> Document {
    doc! { "customerId": 1, "createdAt": -1, "_id": -1 }
}

fn by_status() -> Document {
    doc! { "status": 1, "createdAt": -1, "_id": -1 }
}

/// The version is there for whoever looks for changes: this index alone tells what is at which version.
pub(super) fn by_change() -> Document {
    doc! { "updatedAt": -1, "_id": -1, "version": 1 }
}

fn by_tag() -> Document {
    doc! { "tags": 1, "createdAt": -1, "_id": -1 }
}

/// Puts a list together. What its index does not know is looked up in each order that the index gives, in its order.
pub fn listing(filter: &Filter, sort: Sort, after: Option<Cursor>) -> Result<Listing, StoreError> {
    let mut query = Document::new();
    if let Some(customer_id) = filter.customer_id {
        query.insert("customerId", customer_id);
    }
    if let Some(product_id) = filter.product_id {
        query.insert("lines.productId", product_id);
    }
    if let Some(status) = filter.fulfillment_status {
        query.insert("fulfillmentStatus", name_of(status)?);
    }
    if let Some(tag) = &filter.tag {
        query.insert("tags", tag);
    }
    if let Some(external_id) = &filter.external_id {
        query.insert("externalId", external_id);
    }
    if let Some(status) = filter.status {
        query.insert("status", name_of(status)?);
    }
    bound(&mut query, filter, sort, after);
    if filter.external_id.is_some() && filter.status != Some(OrderStatus::Rejected) {
        // There is at most one, and the index of external ids knows no rejected ones.
        if filter.status.is_none() {
            query.insert("status", doc! { "$in": ["pending", "confirmed", "cancelled", "completed"] });
        }
        return Ok(Listing { query, sort: None, index: None });
    }
    let index = match sort.time {
        SortTime::Updated => by_change(),
        SortTime::Created if filter.customer_id.is_some() => by_customer(),
        SortTime::Created if filter.tag.is_some() => by_tag(),
        SortTime::Created => {
            if filter.status.is_none() {
                // Each status is a range of the index, and the ranges are merged in order.
                let all = STATUSES.into_iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
                query.insert("status", doc! { "$in": all });
            }
            by_status()
        }
    };
    let direction = if sort.oldest_first { 1 } else { -1 };
    let sort = doc! { sort.time.field(): direction, "_id": direction };
    Ok(Listing { query, sort: Some(sort), index: Some(index) })
}

/// The range of the time that the list is sorted by, and what comes after the cursor.
fn bound(query: &mut Document, filter: &Filter, sort: Sort, after: Option<Cursor>) {
    let field = sort.time.field();
    let mut range = Document::new();
    if let Some(from) = filter.from {
        range.insert("$gte", from);
    }
    if let Some(to) = filter.to {
        range.insert("$lt", to);
    }
    let mut bounds = vec![range];
    if let Some(cursor) = after {
        let (at, id) = (Bson::from(cursor.at), Bson::from(OrderId::from_uuid(cursor.id)));
        let (beyond, before) = if sort.oldest_first { ("$gte", "$lte") } else { ("$lte", "$gte") };
        bounds.push(doc! { beyond: at.clone() });
        // Not `$or`: the planner would look for an index for each of its branches and sort what they give.
        query.insert("$nor", vec![doc! { field: at, "_id": { before: id } }]);
    }
    let bounds: Vec<Document> =
        bounds.into_iter().filter(|bound| !bound.is_empty()).map(|bound| doc! { field: bound }).collect();
    if !bounds.is_empty() {
        query.insert("$and", bounds);
    }
}

impl Orders {
    /// One page, after the cursor.
    pub async fn list(
        &self,
        filter: &Filter,
        sort: Sort,
        limit: Limit,
        after: Option<Cursor>,
    ) -> Result<Vec<Order>, StoreError> {
        let listing = listing(filter, sort, after)?;
        let mut find = self.collection.find(listing.query).limit(limit.as_i64()).max_time(MAX_READ);
        if let (Some(sort), Some(index)) = (listing.sort, listing.index) {
            find = find.sort(sort).hint(Hint::Keys(index));
        }
        Ok(find.await?.try_collect().await?)
    }
}

/// The name of a status, as it is stored.
fn name_of(status: impl Serialize) -> Result<String, StoreError> {
    match serde_json::to_value(status) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        other => Err(StoreError::Corrupt(format!("a status is not a text: {other:?}"))),
    }
}
