//! Writing products: each with its row of stock, its entry in the audit trail, and what it is found by.

use super::product_document::to_stored;
use super::products::{Products, QUERY_LIMIT};
use super::{ledger, stock};
use crate::domain::movement::Movement;
use crate::domain::product::Product;
use crate::domain::stock::Stock;
use common::ids::ProductId;
use common::models::audit::AuditEvent;
use common::mongo::{StoreError, Transaction, commit, durable_transaction, jitter};
use common::time::Timestamp;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use std::time::{Duration, Instant};

/// What became of a product that was to be inserted.
#[derive(Debug)]
pub enum Inserted {
    New,
    /// A product with this identity stands already.
    Exists(Box<Product>),
    Taken(Taken),
}

/// What became of a product that was to be written over its version before.
#[derive(Debug)]
pub enum Replaced {
    Done,
    /// Another version stands now.
    Stale,
    Taken(Taken),
}

/// What another product has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Sku,
    ExternalId,
    /// Another variant of the same product has these options.
    Options,
}

impl Products {
    /// Inserts a product with its row of stock and what was received of it, all or nothing.
    pub async fn insert(
        &self,
        product: &Product,
        stock: &Stock,
        receipt: Option<&Movement>,
        event: &AuditEvent,
        deadline: Instant,
    ) -> Result<Inserted, StoreError> {
        let document = to_stored(product, stock.available() > 0)?;
        loop {
            let failure = match self.try_insert(product, &document, stock, receipt, event, deadline).await {
                Ok(()) => {
                    self.forget(product.parent_id.as_slice()).await;
                    return Ok(Inserted::New);
                }
                Err(failure) => failure,
            };
            if common::mongo::is_duplicate_key(&failure) {
                if let Some(rival) = self.find_rival(product).await? {
                    return Ok(rival);
                }
                // The rival is not on a majority yet: it may still come to nothing.
            } else if !common::mongo::is_worth_repeating(&failure) {
                return Err(failure.into());
            }
            if Instant::now() >= deadline {
                return Err(StoreError::Unavailable(failure));
            }
            tokio::time::sleep(jitter(Duration::from_millis(10))).await;
        }
    }

    async fn try_insert(
        &self,
        product: &Product,
        document: &Document,
        stock: &Stock,
        receipt: Option<&Movement>,
        event: &AuditEvent,
        deadline: Instant,
    ) -> Result<(), Error> {
        let mut session = self.database.client().start_session().await?;
        session.start_transaction().with_options(durable_transaction()).await?;
        let written = async {
            self.documents.insert_one(document).session(&mut session).await?;
            let rows = self.database.collection::<Stock>(stock::COLLECTION);
            rows.insert_one(stock).session(&mut session).await?;
            if let Some(receipt) = receipt {
                let movements = self.database.collection::<Movement>(ledger::COLLECTION);
                movements.insert_one(receipt).session(&mut session).await?;
            }
            if let Some(parent) = product.parent_id {
                self.group_variants(parent, product.created_at, &mut session).await?;
            }
            self.audit.insert(event, &mut session).await
        }
        .await;
        match written {
            Ok(()) => commit(&mut session, deadline).await,
            Err(failure) => {
                // The server ends a transaction that failed by itself; this only tells it sooner.
                drop(session.abort_transaction().await);
                Err(failure)
            }
        }
    }

    /// From its first variant on, a product is no longer sold itself.
    async fn group_variants(
        &self,
        parent: ProductId,
        at: Timestamp,
        session: &mut ClientSession,
    ) -> Result<(), Error> {
        let ungrouped = doc! { "_id": parent, "hasVariants": { "$ne": true } };
        let grouping = doc! {
            "$set": { "hasVariants": true }, "$max": { "updatedAt": at }, "$inc": { "version": 1_i64 },
        };
        self.documents.update_one(ungrouped, grouping).session(session).await?;
        Ok(())
    }

    async fn find_rival(&self, product: &Product) -> Result<Option<Inserted>, StoreError> {
        if let Some(same) = self.find(product.id).await? {
            return Ok(Some(Inserted::Exists(Box::new(same))));
        }
        Ok(self.find_taken(product).await?.map(Inserted::Taken))
    }

    /// What of this product another one has.
    async fn find_taken(&self, product: &Product) -> Result<Option<Taken>, StoreError> {
        let mut unique = vec![(Taken::Sku, doc! { "sku": product.sku.as_str() })];
        if let Some(external_id) = &product.details.external_id {
            unique.push((Taken::ExternalId, doc! { "details.externalId": external_id.as_str() }));
        }
        if let Some(parent) = product.parent_id {
            let same = doc! { "parentId": parent, "search.options": product.options_key() };
            unique.push((Taken::Options, same));
        }
        for (taken, query) in unique {
            if self.find_by(query).await?.is_some_and(|other| other.id != product.id) {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// Writes a product over its version before, with its entry in the audit trail.
    pub async fn replace(&self, product: &Product, event: &AuditEvent) -> Result<Replaced, StoreError> {
        let document = to_stored(product, false)?;
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT).await?;
        let written = loop {
            let done = self.replace_within(product, &document, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                break done;
            }
        };
        match written {
            Ok(true) => {
                self.forget(&[product.id]).await;
                Ok(Replaced::Done)
            }
            Ok(false) => Ok(Replaced::Stale),
            Err(failure) if common::mongo::is_duplicate_key(&failure) => {
                match self.find_taken(product).await? {
                    Some(taken) => Ok(Replaced::Taken(taken)),
                    // The rival is not on a majority yet, or gone again.
                    None => Err(StoreError::Unavailable(failure)),
                }
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn replace_within(
        &self,
        product: &Product,
        document: &Document,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        let before = doc! { "_id": product.id, "version": product.version - 1 };
        // Whether it is in stock is the ledger's to say, also between the reading and this.
        let kept = doc! { "inStock": "$inStock", "stockTurns": "$stockTurns" };
        let over = doc! { "$replaceWith": { "$mergeObjects": [{ "$literal": document }, kept] } };
        let written = self.documents.update_one(before, vec![over]).session(&mut *session).await?;
        if written.matched_count == 1 {
            self.audit.insert(event, session).await?;
        }
        Ok(written.matched_count == 1)
    }
}
