//! What a batch writes beside its movements: rows and holds, each where it still is as it was read, and what is in stock.

use super::{Ledger, PostError};
use crate::domain::hold::Hold;
use crate::domain::ledger::{HoldChange, StockChange};
use crate::domain::stock::Stock;
use crate::store::{holds, products, stock};
use common::ids::ProductId;
use common::mongo::{StoreError, to_document};
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use std::collections::BTreeMap;

impl Ledger {
    /// One command for the rows that were read, and one for those that are new.
    pub(super) async fn move_stock(
        &self,
        session: &mut ClientSession,
        changes: &[StockChange],
    ) -> Result<(), PostError> {
        let new: Vec<&Stock> =
            changes.iter().filter(|change| change.read.is_none()).map(|change| &change.now).collect();
        if !new.is_empty() {
            self.rows.insert_many(new).session(&mut *session).await?;
        }
        let updates = changes.iter().filter_map(update).collect::<Result<Vec<Document>, StoreError>>();
        self.run_updates(session, stock::COLLECTION, updates.map_err(PostError::Broken)?).await
    }

    /// New holds, and those that change, each guarded by its version.
    pub(super) async fn write_holds(
        &self,
        session: &mut ClientSession,
        changes: &[HoldChange],
    ) -> Result<(), PostError> {
        let new: Vec<&Hold> =
            changes.iter().filter(|change| change.read.is_none()).map(|change| &change.now).collect();
        if !new.is_empty() {
            let holds = self.database.collection::<Hold>(holds::COLLECTION);
            holds.insert_many(new).session(&mut *session).await?;
        }
        let update = |change: &HoldChange| {
            let read = change.read.as_ref()?;
            let guard = doc! { "_id": read.id, "version": read.version };
            Some(to_document(&change.now).map(|now| doc! { "q": guard, "u": now }))
        };
        let updates = changes.iter().filter_map(update).collect::<Result<Vec<Document>, StoreError>>();
        self.run_updates(session, holds::COLLECTION, updates.map_err(PostError::Broken)?).await
    }

    /// One command of guarded updates, all of which must find their document.
    async fn run_updates(
        &self,
        session: &mut ClientSession,
        collection: &str,
        updates: Vec<Document>,
    ) -> Result<(), PostError> {
        if updates.is_empty() {
            return Ok(());
        }
        let expected = updates.len();
        let command = doc! { "update": collection, "ordered": true, "updates": updates };
        let answer = self.database.run_command(command).session(session).await?;
        if let Ok(errors) = answer.get_array("writeErrors") {
            return Err(PostError::Broken(StoreError::Corrupt(format!("{collection}: {errors:?}"))));
        }
        let matched = answer.get("n").and_then(Bson::as_i32).unwrap_or_default();
        if usize::try_from(matched) == Ok(expected) { Ok(()) } else { Err(PostError::Moved) }
    }

    /// Notes in the catalogue what is in stock, so that lists can ask for it.
    pub(super) async fn mark_availability(
        &self,
        session: &mut ClientSession,
        turned: BTreeMap<ProductId, bool>,
    ) -> Result<(), PostError> {
        // What counts the turns makes those who write the same meet.
        let update = |(id, is_in_stock): (ProductId, bool)| {
            let marked = doc! { "$set": { "inStock": is_in_stock }, "$inc": { "stockTurns": 1_i64 } };
            doc! { "q": { "_id": id }, "u": marked }
        };
        let updates: Vec<Document> = turned.into_iter().map(update).collect();
        if !updates.is_empty() {
            let command = doc! { "update": products::COLLECTION, "ordered": false, "updates": updates };
            let answer = self.database.run_command(command).session(session).await?;
            if let Ok(errors) = answer.get_array("writeErrors") {
                return Err(PostError::Broken(StoreError::Corrupt(format!("availability: {errors:?}"))));
            }
        }
        Ok(())
    }
}

/// What brings a row from what was read to what was decided.
fn update(change: &StockChange) -> Option<Result<Document, StoreError>> {
    let (read, now) = (change.read.as_ref()?, &change.now);
    // The snapshot is the guard: whoever changed the row since it was read makes this write fail. Naming the version as
    // well would have the database plan each update, where it goes straight to an identity.
    let named = doc! { "_id": read.id.as_str() };
    let numbers = |row: &Stock| Stock { on_hand: 0, reserved: 0, version: 0, ..row.clone() };
    // Nearly always only the numbers move.
    if numbers(read) == numbers(now) {
        let moved = doc! { "onHand": now.on_hand, "reserved": now.reserved, "version": now.version };
        return Some(Ok(doc! { "q": named, "u": { "$set": moved } }));
    }
    Some(to_document(now).map(|row| doc! { "q": named, "u": row }))
}
