//! Products many at a time: looked up, inserted and read through for files.

use super::product_document::{derived, to_stored};
use super::products::{COLLECTION, Products, QUERY_LIMIT};
use super::{ledger, stock};
use crate::domain::movement::Movement;
use crate::domain::product::Product;
use crate::domain::stock::Stock;
use common::ids::ProductId;
use common::models::audit::AuditEvent;
use common::models::bulk::NamedBy;
use common::models::lookup::{ProductFound, ProductsWanted};
use common::mongo::{StoreError, Transaction};
use common::text::Sku;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::{ClientSession, Collection};
use serde::Deserialize;

/// A new product with all that goes with it.
#[derive(Debug)]
pub struct NewRow {
    pub product: Product,
    pub stock: Stock,
    pub receipt: Option<Movement>,
    pub event: AuditEvent,
}

impl Products {
    fn typed(&self) -> Collection<Product> {
        self.database.collection(COLLECTION)
    }

    /// The products of these names.
    pub async fn named(&self, by: NamedBy, names: &[&str]) -> Result<Vec<Product>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let query = match by {
            NamedBy::Sku => doc! { "sku": { "$in": names } },
            NamedBy::ExternalId => doc! { "details.externalId": { "$in": names } },
        };
        let found = self.typed().find(query).projection(derived()).max_time(QUERY_LIMIT).await?;
        Ok(found.try_collect().await?)
    }

    /// Those of these identities and skus that there are.
    pub async fn find_named(&self, wanted: &ProductsWanted) -> Result<Vec<ProductFound>, StoreError> {
        #[derive(Deserialize)]
        struct Stored {
            #[serde(rename = "_id")]
            id: ProductId,
            sku: Sku,
            name: String,
        }
        let ids: Vec<Bson> = wanted.ids.iter().copied().map(Bson::from).collect();
        let skus: Vec<&str> = wanted.skus.iter().map(Sku::as_str).collect();
        let count = u32::try_from(ids.len() + skus.len()).unwrap_or(u32::MAX);
        if count == 0 {
            return Ok(Vec::new());
        }
        let named = doc! { "$or": [{ "_id": { "$in": ids } }, { "sku": { "$in": skus } }] };
        let products: Collection<Stored> = self.documents.clone_with_type();
        let found = products.find(named).projection(doc! { "sku": 1, "name": 1 }).batch_size(count);
        let found: Vec<Stored> = found.max_time(QUERY_LIMIT).await?.try_collect().await?;
        Ok(found.into_iter().map(|Stored { id, sku, name }| ProductFound { id, sku, name }).collect())
    }

    /// Inserts all of them or none; `false` where one of them cannot be.
    pub async fn insert_all(&self, rows: &[NewRow]) -> Result<bool, StoreError> {
        let stored = |row: &NewRow| to_stored(&row.product, row.stock.available() > 0);
        let documents = rows.iter().map(stored).collect::<Result<Vec<Document>, StoreError>>()?;
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT * 3).await?;
        let written = loop {
            let done = self.insert_within(&documents, rows, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                break done;
            }
        };
        match written {
            Ok(()) => Ok(true),
            Err(failure) if common::mongo::is_duplicate_key(&failure) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn insert_within(
        &self,
        documents: &[Document],
        rows: &[NewRow],
        session: &mut ClientSession,
    ) -> Result<(), Error> {
        self.documents.insert_many(documents).session(&mut *session).await?;
        let stock = self.database.collection::<Stock>(stock::COLLECTION);
        stock.insert_many(rows.iter().map(|row| &row.stock)).session(&mut *session).await?;
        let receipts: Vec<&Movement> = rows.iter().filter_map(|row| row.receipt.as_ref()).collect();
        if !receipts.is_empty() {
            let movements = self.database.collection::<Movement>(ledger::COLLECTION);
            movements.insert_many(receipts).session(&mut *session).await?;
        }
        let events: Vec<AuditEvent> = rows.iter().map(|row| row.event.clone()).collect();
        self.audit.insert_many(&events, session).await
    }

    /// All products by their identities, a page at a time.
    pub async fn page_by_id(&self, after: Option<ProductId>, limit: i64) -> Result<Vec<Product>, StoreError> {
        let query = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
        let products = self.typed();
        let found = products.find(query).sort(doc! { "_id": 1 }).projection(derived()).limit(limit);
        Ok(found.max_time(QUERY_LIMIT).await?.try_collect().await?)
    }
}
