//! The tree of categories, each with its path; a parent counts its branches, so that neither can go without the other.

use super::products;
use crate::domain::category::Category;
use anyhow::Context;
use common::audit::AuditLog;
use common::ids::CategoryId;
use common::models::audit::AuditEvent;
use common::models::category::CategoryPath;
use common::mongo::{StoreError, Transaction, ensure_collection, is_duplicate_key};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, Collection, Database, IndexModel};
use std::time::Duration;

const COLLECTION: &str = "categories";

/// Longest that a query may run in the database.
const QUERY_LIMIT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Categories {
    database: Database,
    categories: Collection<Category>,
    audit: AuditLog,
}

/// What became of a category that was to be inserted.
#[derive(Debug)]
pub enum Planted {
    New,
    /// A category with this identity stands already.
    Exists(Box<Category>),
    PathTaken,
    NoParent,
}

/// What became of a category that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Felled {
    Done,
    HasBranches,
    HasProducts,
    /// Another version stands now, or none.
    Stale,
}

impl Categories {
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            categories: database.collection(COLLECTION),
            audit: AuditLog::new(database),
        }
    }

    /// Creates the collection, or brings it up to date.
    pub async fn ensure(&self) -> anyhow::Result<()> {
        let unique = IndexOptions::builder().unique(true).build();
        let indexes = vec![
            IndexModel::builder().keys(doc! { "path": 1 }).options(unique).build(),
            IndexModel::builder().keys(doc! { "parent": 1, "path": 1 }).build(),
        ];
        ensure_collection(&self.database, COLLECTION, validator(), indexes).await.context("categories")
    }

    pub async fn find(&self, id: CategoryId) -> Result<Option<Category>, StoreError> {
        Ok(self.categories.find_one(doc! { "_id": id }).max_time(QUERY_LIMIT).await?)
    }

    pub async fn has(&self, path: &CategoryPath) -> Result<bool, StoreError> {
        let found = self.categories.find_one(doc! { "path": path.as_str() }).max_time(QUERY_LIMIT).await?;
        Ok(found.is_some())
    }

    /// By their paths, so that branches follow what they are branches of; those of one parent where it is given.
    pub async fn list(
        &self,
        parent: Option<&CategoryPath>,
        after: Option<&CategoryPath>,
        limit: i64,
    ) -> Result<Vec<Category>, StoreError> {
        let mut query = Document::new();
        if let Some(parent) = parent {
            query.insert("parent", parent.as_str());
        }
        if let Some(after) = after {
            query.insert("path", doc! { "$gt": after.as_str() });
        }
        let found = self.categories.find(query).sort(doc! { "path": 1 }).limit(limit).max_time(QUERY_LIMIT);
        Ok(found.await?.try_collect().await?)
    }

    /// Inserts a category below its parent.
    pub async fn insert(&self, category: &Category, event: &AuditEvent) -> Result<Planted, StoreError> {
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT).await?;
        let planted = loop {
            let done = self.insert_within(category, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                break done;
            }
        };
        match planted {
            Err(failure) if is_duplicate_key(&failure) => match self.find(category.id).await? {
                Some(same) => Ok(Planted::Exists(Box::new(same))),
                None => Ok(Planted::PathTaken),
            },
            Ok(true) => Ok(Planted::New),
            Ok(false) => Ok(Planted::NoParent),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn insert_within(
        &self,
        category: &Category,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        if let Some(parent) = &category.parent
            && !self.count_branch(parent, 1, session).await?
        {
            return Ok(false);
        }
        self.categories.insert_one(category).session(&mut *session).await?;
        self.audit.insert(event, session).await?;
        Ok(true)
    }

    /// Whether the parent is there to count it.
    async fn count_branch(
        &self,
        parent: &CategoryPath,
        number: i64,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        let counting = doc! { "$inc": { "branches": number } };
        let counted =
            self.categories.update_one(doc! { "path": parent.as_str() }, counting).session(session).await?;
        Ok(counted.matched_count == 1)
    }

    /// Writes a category over its version before; `false` where another version stands now. Its branches are counted
    /// by those who add and take them.
    pub async fn replace(&self, category: &Category, event: &AuditEvent) -> Result<bool, StoreError> {
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT).await?;
        loop {
            let done = self.replace_within(category, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                return Ok(done?);
            }
        }
    }

    async fn replace_within(
        &self,
        category: &Category,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        let before = doc! { "_id": category.id, "version": category.version - 1 };
        let change = doc! { "$set": {
            "name": category.name.as_str(),
            "description": category.description.as_str(),
            "version": category.version,
            "updatedAt": category.updated_at,
        } };
        let written = self.categories.update_one(before, change).session(&mut *session).await?;
        if written.matched_count == 1 {
            self.audit.insert(event, session).await?;
        }
        Ok(written.matched_count == 1)
    }

    /// Deletes a category that has neither branches nor products.
    pub async fn delete(&self, category: &Category, event: &AuditEvent) -> Result<Felled, StoreError> {
        let mut transaction = Transaction::open(&self.database, QUERY_LIMIT).await?;
        loop {
            let done = self.delete_within(category, event, transaction.begin().await?).await;
            if let Some(done) = transaction.end(done).await {
                return Ok(done?);
            }
        }
    }

    async fn delete_within(
        &self,
        category: &Category,
        event: &AuditEvent,
        session: &mut ClientSession,
    ) -> Result<Felled, Error> {
        let products = self.database.collection::<Document>(products::COLLECTION);
        let in_it = doc! { "search.categories": category.path.as_str() };
        if products.find_one(in_it).projection(doc! { "_id": 1 }).session(&mut *session).await?.is_some() {
            return Ok(Felled::HasProducts);
        }
        // Whoever adds a branch counts it here: the two writes collide, and one of them begins again.
        let bare = doc! { "_id": category.id, "version": category.version, "branches": 0 };
        if self.categories.delete_one(bare).session(&mut *session).await?.deleted_count == 0 {
            let standing = self.categories.find_one(doc! { "_id": category.id }).session(session).await?;
            let is_grown = standing.is_some_and(|standing| standing.version == category.version);
            return Ok(if is_grown { Felled::HasBranches } else { Felled::Stale });
        }
        if let Some(parent) = &category.parent {
            self.count_branch(parent, -1, session).await?;
        }
        self.audit.insert(event, session).await?;
        Ok(Felled::Done)
    }
}

fn validator() -> Document {
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "path", "name", "branches", "version", "createdAt", "updatedAt"],
            "properties": {
                "_id": { "bsonType": "binData" },
                "path": { "bsonType": "string", "minLength": 1 },
                "parent": { "bsonType": "string", "minLength": 1 },
                "name": { "bsonType": "string", "minLength": 1 },
                "branches": { "bsonType": ["int", "long"], "minimum": 0 },
                "version": { "bsonType": ["int", "long"], "minimum": 1 },
                "createdAt": { "bsonType": "date" },
                "updatedAt": { "bsonType": "date" },
            },
        },
    }
}
