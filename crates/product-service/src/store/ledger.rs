//! The stock ledger: movements and the rows they move, read and written in one transaction for a batch of entries.

mod writes;

use super::holds::Holds;
use super::stock;
use crate::domain::availability::turned;
use crate::domain::entry::{Entry, Outcome};
use crate::domain::ledger::{Books, Posting, Terms, decide};
use crate::domain::movement::Movement;
use crate::domain::stock::Stock;
use anyhow::Context;
use common::audit::AuditLog;
use common::fault::{self, Point};
use common::ids::{MovementId, ProductId};
use common::models::audit::{AuditEvent, AuditSubject, SubjectKind};
use common::models::inventory::MovementKind;
use common::models::ledger::LedgerEntry;
use common::mongo::{StoreError, commit, durable_transaction, ensure_collection};
use common::time::Timestamp;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

pub(super) const COLLECTION: &str = "movements";

/// Documents that one answer of the database brings: as many as a batch has lines.
const READ_BATCH: u32 = 2_000;

#[derive(Clone)]
pub struct Ledger {
    database: Database,
    movements: Collection<Movement>,
    rows: Collection<Stock>,
    holds: Holds,
    audit: AuditLog,
}

/// Which of the entries' own movements are read before anything is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Those that may well be there. A reservation is taken for a new one, as nearly all are: one that is not collides
    /// with its movement, and nothing of the batch is written.
    Likely,
    /// Every one.
    All,
}

/// What was written.
#[derive(Debug)]
pub struct Posted {
    /// One for each entry, in their order.
    pub outcomes: Vec<Outcome>,
    /// The products whose stock is another one now.
    pub products: BTreeSet<ProductId>,
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
            holds: Holds::new(database),
            audit: AuditLog::new(database),
        }
    }

    /// Creates the collection, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let of_an_order = IndexOptions::builder().sparse(true).build();
        let indexes = vec![
            IndexModel::builder().keys(doc! { "orderId": 1 }).options(of_an_order).build(),
            IndexModel::builder().keys(doc! { "lines.productId": 1, "at": -1, "_id": -1 }).build(),
            IndexModel::builder().keys(super::events::movements_by_time()).build(),
        ];
        ensure_collection(&self.database, COLLECTION, validator(), indexes).await.context("movements")
    }

    /// Decides and writes a batch, all or nothing. The outcomes are what a majority has, also where nothing was to be
    /// written: committing a transaction that only read waits until what it read is on a majority.
    pub async fn post(
        &self,
        entries: &[Entry],
        terms: Terms<'_>,
        lookup: Lookup,
        deadline: Instant,
    ) -> Result<Posted, PostError> {
        fault::point(Point::BeforeStockTransaction);
        let mut session = self.database.client().start_session().await?;
        session.start_transaction().with_options(durable_transaction()).await?;
        match self.post_within(&mut session, entries, terms, lookup).await {
            Ok(posted) => {
                fault::point(Point::BeforeStockCommit);
                commit(&mut session, deadline).await?;
                fault::point(Point::AfterStockCommit);
                Ok(posted)
            }
            Err(failure) => {
                // The server ends a transaction that failed by itself; this only tells it sooner.
                drop(session.abort_transaction().await);
                Err(failure)
            }
        }
    }

    /// What these entries would come to, by what a majority has; writes nothing.
    pub async fn foresee(
        &self,
        entries: &[Entry],
        terms: Terms<'_>,
        deadline: Instant,
    ) -> Result<Vec<Outcome>, PostError> {
        let mut session = self.database.client().start_session().await?;
        session.start_transaction().with_options(durable_transaction()).await?;
        match self.read(&mut session, entries, terms.at, Lookup::All).await {
            Ok(books) => {
                // It only read: this waits until what it read is on a majority.
                commit(&mut session, deadline).await?;
                Ok(decide(entries, books, terms).outcomes)
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
        terms: Terms<'_>,
        lookup: Lookup,
    ) -> Result<Posted, PostError> {
        let books = self.read(session, entries, terms.at, lookup).await?;
        let before = books.stock.clone();
        let Posting { outcomes, movements, changes, holds } = decide(entries, books, terms);
        if lookup == Lookup::Likely && outcomes.iter().any(Outcome::is_contradiction) {
            // Nothing is written for such an entry, so nothing would tell that its movement is there.
            return Err(PostError::Moved);
        }
        fault::point(Point::BeforeStockMove);
        if !changes.is_empty() {
            self.move_stock(session, &changes).await?;
            self.mark_availability(session, turned(&before, &changes)).await?;
        }
        if !holds.is_empty() {
            self.write_holds(session, &holds).await?;
        }
        fault::point(Point::BeforeMovements);
        if !movements.is_empty() {
            self.movements.insert_many(&movements).session(&mut *session).await?;
        }
        let events = told(entries, &outcomes);
        if !events.is_empty() {
            self.audit.insert_many(&events, session).await?;
        }
        let products = changes.iter().map(|change| change.now.product_id).collect();
        Ok(Posted { outcomes, products })
    }

    async fn read(
        &self,
        session: &mut ClientSession,
        entries: &[Entry],
        at: Timestamp,
        lookup: Lookup,
    ) -> Result<Books, PostError> {
        let mut ids = Vec::with_capacity(entries.len());
        let mut orders = Vec::new();
        for entry in entries {
            if lookup == Lookup::All || !matches!(entry, Entry::Order(LedgerEntry::Reserve { .. })) {
                ids.push(Bson::from(entry.movement_id()));
            }
            if let Entry::Order(
                entry @ (LedgerEntry::Release { .. } | LedgerEntry::Ship { .. } | LedgerEntry::Return { .. }),
            ) = entry
            {
                orders.push(Bson::from(entry.order_id()));
            }
        }
        let mut movements = HashMap::with_capacity(ids.len());
        if !ids.is_empty() {
            self.read_movements(session, doc! { "_id": { "$in": ids } }, &mut movements).await?;
        }
        if !orders.is_empty() {
            let theirs = doc! { "orderId": { "$in": orders } };
            self.read_movements(session, theirs, &mut movements).await?;
        }
        let mut books = Books { movements, ..Books::default() };
        let holds: Vec<Bson> = entries.iter().filter_map(Entry::hold_id).map(Bson::from).collect();
        if !holds.is_empty() {
            books.holds = self.holds.named(holds, session).await?;
        }
        let products = books.products_named_by(entries);
        books.stock = self.read_rows(session, &products).await?;
        self.read_ended_holds(session, at, products, &mut books).await?;
        Ok(books)
    }

    /// Whatever is over on these products, so that it is freed by this batch; nearly always there is nothing to ask.
    async fn read_ended_holds(
        &self,
        session: &mut ClientSession,
        at: Timestamp,
        mut products: BTreeSet<ProductId>,
        books: &mut Books,
    ) -> Result<(), PostError> {
        let held = books.products_with_ended_holds(at);
        if held.is_empty() {
            return Ok(());
        }
        let ended = self.holds.ended_on(&held, at, session).await?;
        books.next_ends = self.holds.next_ends(&held, at, session).await?;
        let known: BTreeSet<_> = books.holds.iter().map(|hold| hold.id).collect();
        books.holds.extend(ended.into_iter().filter(|hold| !known.contains(&hold.id)));
        let others = books.products_held().filter(|product| products.insert(*product)).collect();
        books.stock.extend(self.read_rows(session, &others).await?);
        Ok(())
    }

    /// All rows of these products.
    async fn read_rows(
        &self,
        session: &mut ClientSession,
        products: &BTreeSet<ProductId>,
    ) -> Result<Vec<Stock>, Error> {
        if products.is_empty() {
            return Ok(Vec::new());
        }
        let products: Vec<Bson> = products.iter().copied().map(Bson::from).collect();
        let of_these = doc! { "productId": { "$in": products } };
        let mut cursor = self.rows.find(of_these).batch_size(READ_BATCH).session(&mut *session).await?;
        cursor.stream(session).try_collect().await
    }

    async fn read_movements(
        &self,
        session: &mut ClientSession,
        query: Document,
        into: &mut HashMap<MovementId, Movement>,
    ) -> Result<(), PostError> {
        let mut cursor = self.movements.find(query).batch_size(READ_BATCH).session(&mut *session).await?;
        let found: Vec<Movement> = cursor.stream(session).try_collect().await?;
        into.extend(found.into_iter().map(|movement| (movement.id, movement)));
        Ok(())
    }
}

/// What was changed by hand, for the audit trail; what orders do stands in the ledger alone.
fn told(entries: &[Entry], outcomes: &[Outcome]) -> Vec<AuditEvent> {
    let event = |(entry, outcome): (&Entry, &Outcome)| {
        let (Entry::Stock(entry), Outcome::Stock(Ok(changed))) = (entry, outcome) else { return None };
        if !changed.is_written {
            return None;
        }
        let subject = AuditSubject::new(SubjectKind::Product, entry.product_id);
        let mut event = AuditEvent::new(entry.actor.clone(), entry.wish.action(), subject);
        if let Some(movement) = &changed.movement {
            event = event.with("movementId", movement.id.to_string());
            if let Some(line) = movement.lines.first() {
                event = event
                    .with("onHandDelta", line.on_hand_delta)
                    .with("locationId", line.location_id.as_str());
            }
            if let Some(reason) = &movement.reason {
                event = event.with("reason", reason.as_str());
            }
        }
        Some(event)
    };
    entries.iter().zip(outcomes).filter_map(event).collect()
}

fn validator() -> Document {
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "kind", "lines", "actor", "at"],
            "properties": {
                "_id": { "bsonType": "binData" },
                "kind": { "enum": MovementKind::NAMES.to_vec() },
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
