//! Lists of accounts: newest first, or by the beginning of an address or a name, in the order of that.

use super::account::Account;
use super::customers::Customers;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use common::http::page::{Cursor, InvalidCursor, Limit};
use common::ids::CustomerId;
use common::models::customer::CustomerStatus;
use common::models::lookup::{CustomerFound, CustomersWanted};
use common::mongo::StoreError;
use common::text::Email;
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// Which accounts a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct CustomerSearch {
    /// Beginnings of the address and the name, folded.
    pub email: Option<String>,
    pub name: Option<String>,
    pub status: Option<CustomerStatus>,
    /// Inclusive.
    pub created_from: Option<Timestamp>,
    /// Exclusive.
    pub created_to: Option<Timestamp>,
}

/// Where a page ended: by time, or by the text that the list is in the order of. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    Time(Cursor),
    Key { key: String, id: Uuid },
}

/// A page of accounts and where the next one begins.
pub struct Page {
    pub accounts: Vec<Account>,
    pub next: Option<Position>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(cursor) => cursor.fmt(f),
            Self::Key { key, id } => {
                f.write_str(&BASE64_URL_SAFE_NO_PAD.encode([id.as_bytes(), key.as_bytes()].concat()))
            }
        }
    }
}

/// The text that a list is in the order of.
#[derive(Clone, Copy)]
enum Order {
    Time,
    Email,
    Name,
}

impl CustomerSearch {
    const fn order(&self) -> Order {
        match (&self.email, &self.name) {
            (Some(_), _) => Order::Email,
            (None, Some(_)) => Order::Name,
            (None, None) => Order::Time,
        }
    }

    /// Reads a cursor of this list.
    pub fn position(&self, text: &str) -> Result<Position, InvalidCursor> {
        if matches!(self.order(), Order::Time) {
            return text.parse().map(Position::Time);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (id, key) = bytes.split_first_chunk::<16>().ok_or(InvalidCursor)?;
        let key = String::from_utf8(key.to_vec()).map_err(|_| InvalidCursor)?;
        Ok(Position::Key { key, id: Uuid::from_bytes(*id) })
    }

    /// The query of a page.
    pub fn query(&self, after: Option<&Position>) -> Document {
        let mut query = Document::new();
        for (field, prefix) in [("emailKey", &self.email), ("nameKey", &self.name)] {
            if let Some(prefix) = prefix {
                query
                    .insert(field, doc! { "$gte": prefix.as_str(), "$lt": format!("{prefix}{}", char::MAX) });
            }
        }
        if let Some(status) = self.status {
            query.insert("status", status_name(status));
        }
        let mut created = Document::new();
        if let Some(from) = self.created_from {
            created.insert("$gte", from);
        }
        if let Some(to) = self.created_to {
            created.insert("$lt", to);
        }
        match after {
            Some(Position::Time(cursor)) => {
                created.insert("$lte", cursor.at);
                let id = Bson::from(CustomerId::from_uuid(cursor.id));
                // Not `$or`: the planner would look for an index for each of its branches and sort what they give.
                query
                    .insert("$nor", vec![doc! { "createdAt": Bson::from(cursor.at), "_id": { "$gte": id } }]);
            }
            Some(Position::Key { key, id }) => {
                let field = if matches!(self.order(), Order::Email) { "emailKey" } else { "nameKey" };
                if let Ok(range) = query.get_document_mut(field) {
                    range.insert("$gte", key.as_str());
                }
                let id = Bson::from(CustomerId::from_uuid(*id));
                query.insert("$nor", vec![doc! { field: key.as_str(), "_id": { "$lte": id } }]);
            }
            None => {}
        }
        if !created.is_empty() {
            query.insert("createdAt", created);
        }
        query
    }

    /// The order of the list, which an index has.
    pub fn sort(&self) -> Document {
        match self.order() {
            Order::Time => doc! { "createdAt": -1, "_id": -1 },
            Order::Email => doc! { "emailKey": 1 },
            Order::Name => doc! { "nameKey": 1, "_id": 1 },
        }
    }

    fn position_of(&self, account: &Account) -> Position {
        let id = account.id.uuid();
        match self.order() {
            Order::Time => Position::Time(Cursor { at: account.created_at, id }),
            Order::Email => Position::Key { key: account.email_key.clone(), id },
            Order::Name => Position::Key { key: account.name_key.clone(), id },
        }
    }
}

impl Customers {
    /// One page.
    pub async fn list(
        &self,
        search: &CustomerSearch,
        after: Option<&Position>,
        limit: Limit,
    ) -> Result<Page, StoreError> {
        let found = self
            .collection
            .find(search.query(after))
            .sort(search.sort())
            .limit(limit.as_i64() + 1)
            .max_time(Duration::from_secs(4));
        let mut accounts: Vec<Account> = found.await?.try_collect().await?;
        let has_more = accounts.len() > usize::from(limit.get());
        accounts.truncate(limit.get().into());
        let next = accounts.last().filter(|_| has_more).map(|last| search.position_of(last));
        Ok(Page { accounts, next })
    }
}

impl Customers {
    /// Those of these identities and addresses that there are, without such as were erased.
    pub async fn find_named(&self, wanted: &CustomersWanted) -> Result<Vec<CustomerFound>, StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stored {
            #[serde(rename = "_id")]
            id: CustomerId,
            email_key: String,
        }
        let ids: Vec<Bson> = wanted.ids.iter().copied().map(Bson::from).collect();
        let keys: Vec<String> = wanted.emails.iter().map(Email::key).collect();
        let count = u32::try_from(ids.len() + keys.len()).unwrap_or(u32::MAX);
        if count == 0 {
            return Ok(Vec::new());
        }
        let named = doc! { "$or": [{ "_id": { "$in": ids } }, { "emailKey": { "$in": keys } }] };
        let accounts: Collection<Stored> = self.collection.clone_with_type();
        let found = accounts.find(doc! { "erasure": { "$exists": false }, "$and": [named] });
        let found = found.projection(doc! { "emailKey": 1 }).batch_size(count);
        let found: Vec<Stored> = found.max_time(Duration::from_secs(4)).await?.try_collect().await?;
        Ok(found
            .into_iter()
            .map(|found| CustomerFound { id: found.id, email_key: found.email_key })
            .collect())
    }
}

const fn status_name(status: CustomerStatus) -> &'static str {
    match status {
        CustomerStatus::Active => "active",
        CustomerStatus::Deactivated => "deactivated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text() {
        let by_name = CustomerSearch { name: Some("é".into()), ..CustomerSearch::default() };
        let key = Position::Key { key: "émile".into(), id: Uuid::now_v7() };
        assert_eq!(by_name.position(&key.to_string()).unwrap(), key);
        let by_time = CustomerSearch::default();
        let time = Position::Time(Cursor { at: Timestamp::from_millis(1), id: Uuid::now_v7() });
        assert_eq!(by_time.position(&time.to_string()).unwrap(), time);
        for bad in ["", "x", "AAAA", "{}"] {
            assert!(by_name.position(bad).is_err() && by_time.position(bad).is_err(), "{bad}");
        }
    }
}
