//! What a service's start made of each collection, written down beside it, so that what is lost later can be named.

use anyhow::Context as _;
use mongodb::Database;
use mongodb::bson::{self, DateTime, Document, doc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The collection of every database that holds these notes.
pub const NAME: &str = "schema";

/// How one collection should look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionSchema {
    #[serde(rename = "_id")]
    pub collection: String,
    /// Names of its indexes beside the one on `_id`.
    pub indexes: Vec<String>,
    /// The [`fingerprint`] of its validator.
    pub validator: String,
    /// The version that wrote this note.
    pub version: String,
    pub at: DateTime,
}

/// What stands for a validator in a note.
pub fn fingerprint(validator: &Document) -> anyhow::Result<String> {
    let bytes = bson::serialize_to_vec(validator).context("a validator")?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Notes what has been made of a collection; the last start's note stays.
pub async fn note(
    database: &Database,
    collection: &str,
    indexes: Vec<String>,
    validator: &Document,
) -> anyhow::Result<()> {
    let note = CollectionSchema {
        collection: collection.to_owned(),
        indexes,
        validator: fingerprint(validator)?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: DateTime::now(),
    };
    let notes = database.collection::<CollectionSchema>(NAME);
    let noted = notes.replace_one(doc! { "_id": collection }, note).upsert(true).await;
    noted.with_context(|| format!("note the indexes of {collection}"))?;
    Ok(())
}
