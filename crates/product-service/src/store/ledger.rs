//! The stock ledger: movements and the rows they move, read and written in one transaction for a batch of entries.

use super::stock;
use crate::domain::entry::{Entry, Outcome};
use crate::domain::ledger::{Books, Offers, Posting, StockChange, decide};
use crate::domain::movement::{Movement, MovementKind};
use crate::domain::stock::Stock;
use anyhow::Context;
use common::audit::AuditLog;
use common::models::audit::{AuditEvent, AuditSubject, SubjectKind};
use common::models::ledger::LedgerEntry;
use common::mongo::{StoreError, commit, durable_transaction, ensure_collection};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use std::collections::HashMap;
use std::time::Instant;

pub(super) const COLLECTION: &str = "movements";

#[derive(Clone)]
pub struct Ledger {
    database: Database,
    movements: Collection<Movement>,
    rows: Collection<Stock>,
    audit: AuditLog,
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Another writer was first, or the primary changed: the whole batch may be decided again.
    #[error("another writer was first")]
    Conflict(#[source] Error),
    /// Rows moved between reading and writing.
    #[error("the stock moved")]
    Moved,
    #[error("no time is left")]
    OutOfTime,
    /// The database does not answer, or not for certain.
    #[error("the database cannot answer")]
    Unavailable(#[source] StoreError),
    /// The database refuses what some entry comes to.
    #[error("the database refused")]
    Broken(#[source] StoreError),
}

impl From<Error> for PostError {
    fn from(error: Error) -> Self {
        // A movement of the same identity was written since the snapshot: the next one shows it.
        if common::mongo::is_worth_repeating(&error) || common::mongo::is_duplicate_key(&error) {
            return Self::Conflict(error);
        }
        match StoreError::from(error) {
            unavailable @ StoreError::Unavailable(_) => Self::Unavailable(unavailable),
            broken => Self::Broken(broken),
        }
    }
}

impl Ledger {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            movements: database.collection(COLLECTION),
            rows: database.collection(stock::COLLECTION),
            audit: AuditLog::new(database),
        }
    }

    /// Creates the collection, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        // Only releases are looked for by their order, so only they are worth an index entry.
        let releases = IndexOptions::builder()
            .name("releases_of_an_order".to_owned())
            .partial_filter_expression(doc! { "kind": "release" })
            .build();
        let indexes = vec![IndexModel::builder().keys(doc! { "orderId": 1 }).options(releases).build()];
        ensure_collection(&self.database, COLLECTION, validator(), indexes).await.context("movements")
    }

    /// Decides and writes a batch, all or nothing. The outcomes are what a majority has, also where nothing was to be
    /// written: committing a transaction that only read waits until what it read is on a majority.
    pub async fn post(
        &self,
        entries: &[Entry],
        offers: &Offers,
        at: Timestamp,
        deadline: Instant,
    ) -> Result<Vec<Outcome>, PostError> {
        let mut session = self.database.client().start_session().await?;
        session.start_transaction().with_options(durable_transaction()).await?;
        match self.post_within(&mut session, entries, offers, at).await {
            Ok(outcomes) => {
                commit(&mut session, deadline).await?;
                Ok(outcomes)
            }
            Err(failure) => {
                // The server ends a transaction that failed by itself; this only tells it sooner.
                drop(session.abort_transaction().await);
                Err(failure)
            }
        }
    }

    async fn post_within(
        &self,
        session: &mut ClientSession,
        entries: &[Entry],
        offers: &Offers,
        at: Timestamp,
    ) -> Result<Vec<Outcome>, PostError> {
        let books = self.read(session, entries).await?;
        let Posting { outcomes, movements, changes } = decide(entries, books, offers, at);
        if !changes.is_empty() {
            self.move_stock(session, &changes).await?;
        }
        if !movements.is_empty() {
            self.movements.insert_many(&movements).session(&mut *session).await?;
            for event in told(entries, &movements) {
                self.audit.insert(&event, &mut *session).await?;
            }
        }
        Ok(outcomes)
    }

    async fn read(&self, session: &mut ClientSession, entries: &[Entry]) -> Result<Books, PostError> {
        let mut ids = Vec::with_capacity(entries.len());
        let mut orders_released = Vec::new();
        for entry in entries {
            ids.push(Bson::from(entry.movement_id()));
            if let Entry::Order(LedgerEntry::Release { order_id, .. }) = entry {
                ids.push(order_id.reservation().into());
                orders_released.push(Bson::from(*order_id));
            }
        }
        let mut movements = HashMap::with_capacity(ids.len());
        self.read_movements(session, doc! { "_id": { "$in": ids } }, &mut movements).await?;
        if !orders_released.is_empty() {
            let releases = doc! { "kind": "release", "orderId": { "$in": orders_released } };
            self.read_movements(session, releases, &mut movements).await?;
        }
        let mut books = Books { movements, stock: HashMap::new() };
        let rows: Vec<String> = books.rows_named_by(entries).iter().map(ToString::to_string).collect();
        if rows.is_empty() {
            return Ok(books);
        }
        let batch = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let mut cursor =
            self.rows.find(doc! { "_id": { "$in": rows } }).batch_size(batch).session(&mut *session).await?;
        let found: Vec<Stock> = cursor.stream(session).try_collect().await?;
        books.stock = found.into_iter().map(|stock| (stock.id.clone(), stock)).collect();
        Ok(books)
    }

    async fn read_movements(
        &self,
        session: &mut ClientSession,
        query: Document,
        into: &mut HashMap<common::ids::MovementId, Movement>,
    ) -> Result<(), PostError> {
        let mut cursor = self.movements.find(query).batch_size(2_000).session(&mut *session).await?;
        let found: Vec<Movement> = cursor.stream(session).try_collect().await?;
        into.extend(found.into_iter().map(|movement| (movement.id, movement)));
        Ok(())
    }

    /// One command for all rows, each guarded by the version that was read.
    async fn move_stock(
        &self,
        session: &mut ClientSession,
        changes: &[StockChange],
    ) -> Result<(), PostError> {
        let update = |change: &StockChange| {
            doc! {
                "q": { "_id": change.id.as_str(), "version": change.version },
                "u": { "$inc": {
                    "onHand": change.on_hand_delta,
                    "reserved": change.reserved_delta,
                    "version": change.version_delta,
                } },
            }
        };
        let updates: Vec<Document> = changes.iter().map(update).collect();
        let command = doc! { "update": stock::COLLECTION, "ordered": true, "updates": updates };
        let answer = self.database.run_command(command).session(session).await?;
        if let Ok(errors) = answer.get_array("writeErrors") {
            return Err(PostError::Broken(StoreError::Corrupt(format!("stock: {errors:?}"))));
        }
        let matched = answer.get("n").and_then(Bson::as_i32).unwrap_or_default();
        if usize::try_from(matched) == Ok(changes.len()) { Ok(()) } else { Err(PostError::Moved) }
    }
}

/// What was changed by hand, for the audit trail; what orders do stands in the ledger alone.
fn told(entries: &[Entry], movements: &[Movement]) -> Vec<AuditEvent> {
    let by_hand: HashMap<_, _> =
        entries.iter().filter_map(|entry| Some((entry.movement_id(), entry.by_hand()?))).collect();
    let event = |movement: &Movement| {
        let (actor, action) = by_hand.get(&movement.id)?;
        let line = movement.lines.first()?;
        let subject = AuditSubject::new(SubjectKind::Product, line.product_id);
        let event = AuditEvent::new((*actor).clone(), action, subject)
            .with("movementId", movement.id.to_string())
            .with("onHandDelta", line.on_hand_delta);
        Some(match &movement.reason {
            Some(reason) => event.with("reason", reason.as_str()),
            None => event,
        })
    };
    movements.iter().filter_map(event).collect()
}

fn validator() -> Document {
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "kind", "lines", "actor", "at"],
            "properties": {
                "_id": { "bsonType": "binData" },
                "kind": { "enum": MovementKind::ALL.to_vec() },
                "lines": {
                    "bsonType": "array",
                    "items": {
                        "bsonType": "object",
                        "required": ["productId", "locationId", "onHandDelta", "reservedDelta"],
                        "properties": {
                            "productId": { "bsonType": "binData" },
                            "locationId": { "bsonType": "string" },
                            "onHandDelta": { "bsonType": ["int", "long"] },
                            "reservedDelta": { "bsonType": ["int", "long"] },
                        },
                    },
                },
                "orderId": { "bsonType": "binData" },
                "actor": { "bsonType": "string" },
                "at": { "bsonType": "date" },
            },
        },
    }
}
