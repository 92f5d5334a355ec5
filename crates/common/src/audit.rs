//! The collection `audit` of a service: append only, newest first, written in the transaction of the change.

use crate::auth::caller::Caller;
use crate::context::run_to_end;
use crate::error::ApiError;
use crate::http::body::Body;
use crate::http::page::{Cursor, Limit};
use crate::models::audit::{ActorKind, AuditActor, AuditEvent};
use crate::mongo::{StoreError, begin_after, ensure_collection, from_document, to_document};
use actix_web::HttpResponse;
use actix_web::web::Data;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

const NAME: &str = "audit";

/// Longest that a read may run in the database.
const MAX_READ: Duration = Duration::from_secs(4);

impl AuditActor {
    /// Whoever is calling, from this address.
    pub fn of(caller: &Caller, address: IpAddr) -> Self {
        let address = Some(address.to_string());
        match caller {
            Caller::Person(person) => Self {
                kind: ActorKind::Customer,
                id: person.customer_id.to_string(),
                role: Some(person.role),
                session_id: Some(person.session_id),
                address,
            },
            Caller::Machine(machine) => Self {
                kind: ActorKind::ApiKey,
                id: machine.key_id.to_string(),
                role: None,
                session_id: None,
                address,
            },
        }
    }

    /// Someone who holds no access token yet, by the account that the call is about.
    pub fn account(id: impl ToString, address: IpAddr) -> Self {
        Self {
            kind: ActorKind::Customer,
            id: id.to_string(),
            role: None,
            session_id: None,
            address: Some(address.to_string()),
        }
    }
}

/// Which entries a list is to hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditFilter {
    /// Identity of whom or what it was done to.
    pub subject: Option<String>,
    /// Identity of who did it.
    pub actor: Option<String>,
    pub action: Option<String>,
}

/// `POST /internal/audit-events`: one service asks another for its part of a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditPage {
    pub filter: AuditFilter,
    pub after: Option<Cursor>,
    pub limit: Limit,
}

/// `POST /internal/audit-events`: a page, newest first. A POST, because its filters are free text.
pub async fn list_events(log: Data<AuditLog>, Body(page): Body<AuditPage>) -> Result<HttpResponse, ApiError> {
    let AuditPage { filter, after, limit } = page;
    let events = run_to_end(async move { log.list(&filter, after, limit).await }).await??;
    Ok(HttpResponse::Ok().json(events))
}

/// The trail of one service.
#[derive(Clone)]
pub struct AuditLog {
    database: Database,
    collection: Collection<Document>,
}

impl AuditLog {
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), collection: database.collection(NAME) }
    }

    /// Validator and indexes.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let indexes = [
            doc! { "at": -1, "_id": -1 },
            doc! { "subject.id": 1, "at": -1, "_id": -1 },
            doc! { "actor.id": 1, "at": -1, "_id": -1 },
            doc! { "action": 1, "at": -1, "_id": -1 },
        ];
        let indexes = indexes.into_iter().map(|keys| IndexModel::builder().keys(keys).build()).collect();
        ensure_collection(&self.database, NAME, validator(), indexes).await
    }

    /// Appends an entry within the transaction of the change that it tells of.
    pub async fn insert(&self, event: &AuditEvent, session: &mut ClientSession) -> Result<(), Error> {
        let document = to_stored(event).map_err(Error::custom)?;
        self.collection.insert_one(document).session(session).await?;
        Ok(())
    }

    /// Appends many entries within the transaction of the changes that they tell of.
    pub async fn insert_many(&self, events: &[AuditEvent], session: &mut ClientSession) -> Result<(), Error> {
        let documents: Result<Vec<Document>, StoreError> = events.iter().map(to_stored).collect();
        self.collection.insert_many(documents.map_err(Error::custom)?).session(session).await?;
        Ok(())
    }

    /// Appends an entry that no transaction goes with.
    pub async fn append(&self, event: &AuditEvent) -> Result<(), StoreError> {
        self.collection.insert_one(to_stored(event)?).await?;
        Ok(())
    }

    /// Newest first, after the cursor.
    pub async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let found = self.collection.find(filter.query(after)).sort(newest_first()).limit(limit.as_i64());
        let found: Vec<Document> = found.max_time(MAX_READ).await?.try_collect().await?;
        found.into_iter().map(from_stored).collect()
    }

    /// Takes the network addresses out of what an erased person did; what was done stays.
    pub async fn forget_addresses(&self, actor: &str, session: &mut ClientSession) -> Result<(), Error> {
        let theirs = doc! { "actor.id": actor, "actor.address": { "$exists": true } };
        self.collection
            .update_many(theirs, doc! { "$unset": { "actor.address": "" } })
            .session(session)
            .await?;
        Ok(())
    }
}

impl AuditFilter {
    /// The query of one page.
    pub fn query(&self, after: Option<Cursor>) -> Document {
        let mut query = Document::new();
        for (field, value) in
            [("subject.id", &self.subject), ("actor.id", &self.actor), ("action", &self.action)]
        {
            if let Some(value) = value {
                query.insert(field, value.as_str());
            }
        }
        begin_after(&mut query, "at", after);
        query
    }
}

/// The order of the list.
pub fn newest_first() -> Document {
    doc! { "at": -1, "_id": -1 }
}

fn to_stored(event: &AuditEvent) -> Result<Document, StoreError> {
    let mut document = to_document(event)?;
    if let Some(id) = document.remove("id") {
        document.insert("_id", id);
    }
    Ok(document)
}

fn from_stored(mut document: Document) -> Result<AuditEvent, StoreError> {
    if let Some(id) = document.remove("_id") {
        document.insert("id", id);
    }
    from_document(&document)
}

fn validator() -> Document {
    let party = doc! {
        "bsonType": "object",
        "required": ["kind", "id"],
        "properties": { "kind": { "bsonType": "string" }, "id": { "bsonType": "string" } },
    };
    doc! { "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "at", "action", "actor", "subject"],
        "properties": {
            "_id": { "bsonType": "binData" },
            "at": { "bsonType": "date" },
            "action": { "bsonType": "string" },
            "actor": party.clone(),
            "subject": party,
        },
    } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::audit::{AuditSubject, SubjectKind};
    use mongodb::bson::Bson;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let actor = AuditActor::account("somebody", "192.0.2.1".parse().unwrap());
        let event =
            AuditEvent::new(actor, "product.price_changed", AuditSubject::new(SubjectKind::Product, "1"))
                .with("from", 12_i64)
                .with("name", "lamp")
                .with("list", vec!["a", "b"]);
        let stored = to_stored(&event).unwrap();
        assert!(matches!(stored.get("_id"), Some(Bson::Binary(_))) && !stored.contains_key("id"));
        assert_eq!(from_stored(stored).unwrap(), event);
    }
}
