//! Reads every collection of the three databases as of one moment, while the shop runs.

use super::folder::{Manifest, SavedCollection, Shape, Writing};
use super::{BackupArguments, DATABASES};
use anyhow::{Context as _, bail};
use common::time::Timestamp;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::SessionOptions;
use mongodb::{Client, ClientSession, Database};
use std::time::Duration;

/// `SnapshotUnavailable`: a collection was just changed. A later moment does as well.
const SNAPSHOT_UNAVAILABLE: i32 = 246;
/// `SnapshotTooOld`: the moment slipped out of what the server remembers.
const SNAPSHOT_TOO_OLD: i32 = 239;

/// How often another moment is tried.
const MOMENTS: u32 = 10;

/// Documents of one answer of the server.
const BATCH: u32 = 1_000;

/// Writes a back-up.
pub async fn dump(arguments: &BackupArguments) -> anyhow::Result<Manifest> {
    let client = arguments.place.connect().await?;
    let mut moment = 1;
    let manifest = loop {
        let failure = match dump_once(&client, arguments).await {
            Ok(manifest) => break manifest,
            Err(failure) => failure,
        };
        match failure.downcast_ref::<Error>().and_then(command_code) {
            Some(SNAPSHOT_UNAVAILABLE) if moment < MOMENTS => moment += 1,
            Some(SNAPSHOT_TOO_OLD) => {
                return Err(failure.context(
                    "the databases take longer to read than the server remembers a moment: raise its parameter \
                     minSnapshotHistoryWindowInSeconds (300 s by default), or copy the volumes instead",
                ));
            }
            _ => return Err(failure),
        }
        tokio::time::sleep(common::mongo::jitter(Duration::from_millis(500))).await;
    };
    client.shutdown().await;
    Ok(manifest)
}

fn command_code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        _ => None,
    }
}

async fn dump_once(client: &Client, arguments: &BackupArguments) -> anyhow::Result<Manifest> {
    let writing = Writing::begin(&arguments.folder)?;
    // The first read fixes the moment: this one, or a little later.
    let begun = Timestamp::now();
    let options = SessionOptions::builder().snapshot(true).build();
    let mut session = client.start_session().with_options(options).await?;
    let mut collections = Vec::new();
    for name in DATABASES {
        let database = arguments.place.database(client, name);
        writing.database(name)?;
        for (collection, shape) in shapes(&database).await? {
            let mut saved = SavedCollection {
                database: name.to_owned(),
                collection,
                documents: 0,
                checksum: String::new(),
            };
            writing.shape(&saved, &shape)?;
            copy(&database, &mut session, &writing, &mut saved).await?;
            collections.push(saved);
        }
    }
    if collections.is_empty() {
        bail!("there is no database whose name begins with {}_", arguments.place.database_prefix);
    }
    let manifest = Manifest::new(begun, collections);
    writing.finish(&manifest)?;
    Ok(manifest)
}

/// The first read of the session fixes the moment of all others.
async fn copy(
    database: &Database,
    session: &mut ClientSession,
    writing: &Writing,
    saved: &mut SavedCollection,
) -> anyhow::Result<()> {
    let mut writer = writing.documents(saved)?;
    let collection = database.collection::<RawDocumentBuf>(&saved.collection);
    let mut documents = collection.find(doc! {}).batch_size(BATCH).session(&mut *session).await?;
    while documents.advance(session).await? {
        writer.write(documents.current().as_bytes()).context("write the back-up")?;
    }
    (saved.documents, saved.checksum) = writer.finish().context("write the back-up")?;
    Ok(())
}

/// Every collection with how to make it anew.
async fn shapes(database: &Database) -> anyhow::Result<Vec<(String, Shape)>> {
    let mut shapes = Vec::new();
    for found in
        first_batch(database, doc! { "listCollections": 1, "cursor": { "batchSize": 1_000 } }).await?
    {
        let name = found.get_str("name").context("a collection without a name")?.to_owned();
        if found.get_str("type").is_ok_and(|kind| kind != "collection") || name.starts_with("system.") {
            continue;
        }
        let options = found.get_document("options").cloned().unwrap_or_default();
        let list = doc! { "listIndexes": &name, "cursor": { "batchSize": 1_000 } };
        let indexes = first_batch(database, list).await?;
        shapes.push((name, Shape { options, indexes }));
    }
    Ok(shapes)
}

async fn first_batch(database: &Database, command: Document) -> anyhow::Result<Vec<Document>> {
    let answer = database.run_command(command).await?;
    let cursor = answer.get_document("cursor").context("a list without a cursor")?;
    if cursor.get_i64("id").unwrap_or_default() != 0 {
        bail!("more than a thousand collections or indexes");
    }
    let batch = cursor.get_array("firstBatch").context("a list without a batch")?;
    Ok(batch.iter().filter_map(Bson::as_document).cloned().collect())
}
