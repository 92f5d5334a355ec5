//! Puts a back-up into an empty place: collections with their validators, documents, indexes, and then counts them.

use super::folder::{DocumentReader, Manifest, SavedCollection, read_shape, verify};
use super::{DATABASES, RestoreArguments};
use anyhow::{Context as _, ensure};
use mongodb::Database;
use mongodb::bson::{Bson, RawDocumentBuf, doc};
use mongodb::options::{Acknowledgment, WriteConcern};
use std::path::Path;

/// Documents of one write.
const BATCH: usize = 1_000;

/// Restores a back-up; refuses a place where there is anything already, and a folder that has changed.
pub async fn restore(arguments: &RestoreArguments) -> anyhow::Result<Manifest> {
    let manifest = Manifest::read(&arguments.folder)?;
    verify(&arguments.folder, &manifest)?;
    let client = arguments.place.connect().await?;
    for name in DATABASES {
        let database = arguments.place.database(&client, name);
        let found = database.list_collection_names().await.context("look at the place")?;
        ensure!(
            found.is_empty(),
            "{} is not empty: restore under another --database-prefix, or drop it first, with every service stopped",
            database.name()
        );
    }
    for saved in &manifest.collections {
        ensure!(
            DATABASES.contains(&saved.database.as_str()),
            "the back-up has a database {}",
            saved.database
        );
        let database = arguments.place.database(&client, &saved.database);
        let name = format!("{}.{}", database.name(), saved.collection);
        restore_collection(&database, &arguments.folder, saved)
            .await
            .with_context(|| format!("restore {name}; what is there now is not whole, drop it"))?;
    }
    client.shutdown().await;
    Ok(manifest)
}

async fn restore_collection(
    database: &Database,
    folder: &Path,
    saved: &SavedCollection,
) -> anyhow::Result<()> {
    let shape = read_shape(folder, saved)?;
    let mut create = doc! { "create": &saved.collection };
    create.extend(shape.options);
    database.run_command(create).await.context("create it")?;
    let majority = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let collection = database.collection::<RawDocumentBuf>(&saved.collection);
    let mut reader = DocumentReader::open(folder, saved)?;
    loop {
        let documents = reader.next(BATCH)?;
        if documents.is_empty() {
            break;
        }
        let inserted =
            collection.insert_many(&documents).ordered(false).write_concern(majority.clone()).await;
        inserted.context("insert documents")?;
    }
    // After the documents, so that each index is built once. The one on `_id` is there by itself.
    let indexes: Vec<Bson> = shape
        .indexes
        .into_iter()
        .filter(|index| index.get_str("name").is_ok_and(|name| name != "_id_"))
        .map(|mut index| {
            // Older servers said in which collection an index is, and newer ones refuse to be told.
            index.remove("ns");
            Bson::Document(index)
        })
        .collect();
    if !indexes.is_empty() {
        let build =
            doc! { "createIndexes": &saved.collection, "indexes": indexes, "commitQuorum": "majority" };
        database.run_command(build).await.context("build its indexes")?;
    }
    let count = collection.count_documents(doc! {}).await.context("count it")?;
    ensure!(count == saved.documents, "{count} documents are there instead of {}", saved.documents);
    Ok(())
}
