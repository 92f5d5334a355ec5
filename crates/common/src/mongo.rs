//! MongoDB: connecting to a replica set, durable defaults, collections with validators, transactions with a deadline.

use crate::context;
use crate::http::page::Cursor;
use crate::ids::EntityId;
use crate::metrics::mongo as metrics;
use crate::schema;
use crate::traces;
use anyhow::{Context as _, bail};
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::error::{
    Error, ErrorKind, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::{ClientOptions, ReadConcern, SelectionCriteria, TransactionOptions, WriteConcern};
use mongodb::{Client, ClientSession, Collection, Database, IndexModel};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MongoSettings {
    /// A connection string; never logged, it may hold a password.
    pub uri: secrecy::SecretString,
    /// The database this service owns.
    pub database: String,
    pub max_pool_size: u32,
    pub connect_timeout_ms: u64,
    pub server_selection_timeout_ms: u64,
    /// Measures each command by its name, at the price of a copy of it.
    #[serde(default)]
    pub command_events: bool,
}

/// Why a query has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer, or not for certain: the same call may be made again.
    #[error("the database cannot answer")]
    Unavailable(#[source] Error),
    /// A fault of ours: a query or a document the database refuses.
    #[error("the database refused")]
    Broken(#[source] Error),
    /// What was written contradicts what must hold.
    #[error("{0}")]
    Corrupt(String),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let is_unavailable = is_transient(&error);
        metrics::failed(is_unavailable);
        if is_unavailable { Self::Unavailable(error) } else { Self::Broken(error) }
    }
}

impl From<StoreError> for crate::error::ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable().caused_by(error),
            StoreError::Broken(_) | StoreError::Corrupt(_) => Self::internal(error),
        }
    }
}

/// Codes of a server that is stepping down, shutting down, out of time or not yet a majority.
const TRANSIENT_CODES: [i32; 22] = [
    6, 7, 24, 50, 64, 89, 91, 112, 134, 187, 189, 202, 246, 251, 262, 9001, 10058, 10107, 11600, 11602,
    13435, 13436,
];

fn is_transient(error: &Error) -> bool {
    if error.contains_label(TRANSIENT_TRANSACTION_ERROR)
        || error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
        || error.contains_label(mongodb::error::RETRYABLE_WRITE_ERROR)
    {
        return true;
    }
    match error.kind.as_ref() {
        ErrorKind::Io(_)
        | ErrorKind::ServerSelection { .. }
        | ErrorKind::ConnectionPoolCleared { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
        ErrorKind::InsertMany(failure) => failure.write_concern_error.is_some(),
        ErrorKind::Command(command) => TRANSIENT_CODES.contains(&command.code),
        _ => false,
    }
}

/// A value as a document, in its binary form: identities and times as BSON's own types.
pub fn to_document<T: Serialize>(value: &T) -> Result<Document, StoreError> {
    let encoded =
        bson::serialize_to_vec(value).map_err(|cause| StoreError::Corrupt(format!("encode: {cause}")))?;
    bson::deserialize_from_slice(&encoded).map_err(|cause| StoreError::Corrupt(format!("encode: {cause}")))
}

/// The value that a document holds in its binary form.
pub fn from_document<T: DeserializeOwned>(document: &Document) -> Result<T, StoreError> {
    let encoded =
        bson::serialize_to_vec(document).map_err(|cause| StoreError::Corrupt(format!("decode: {cause}")))?;
    bson::deserialize_from_slice(&encoded).map_err(|cause| StoreError::Corrupt(format!("decode: {cause}")))
}

/// Whether a write met a document with the same unique key.
pub fn is_duplicate_key(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(failure)) => failure.code == 11000,
        ErrorKind::Command(command) => command.code == 11000,
        ErrorKind::InsertMany(failure) => {
            failure.write_errors.as_ref().is_some_and(|errors| errors.iter().any(|error| error.code == 11000))
        }
        _ => false,
    }
}

/// Connects, and refuses a server that cannot do transactions.
///
/// Every write waits for a majority and its journal, every read is of what a majority has, unless a call says else.
pub async fn connect(settings: &MongoSettings, application: &str) -> anyhow::Result<Database> {
    metrics::start(settings.max_pool_size);
    connect_with(settings, application, settings.max_pool_size, Some(metrics::pool_events())).await
}

/// Connections of work that no request waits for.
const ASIDE: u32 = 4;

/// The same with a few connections of its own, for work in the background: it never makes a request wait for one, and
/// is in no metric of the pool: most of its time the server lets it wait for a change.
pub async fn connect_aside(settings: &MongoSettings, application: &str) -> anyhow::Result<Database> {
    connect_with(settings, application, ASIDE, None).await
}

async fn connect_with(
    settings: &MongoSettings,
    application: &str,
    max_pool_size: u32,
    pool_events: Option<EventHandler<CmapEvent>>,
) -> anyhow::Result<Database> {
    use secrecy::ExposeSecret;
    let mut options =
        ClientOptions::parse(settings.uri.expose_secret()).await.context("mongo.uri (MONGO_URI)")?;
    options.app_name = Some(application.to_owned());
    options.max_pool_size = Some(max_pool_size);
    options.connect_timeout = Some(Duration::from_millis(settings.connect_timeout_ms));
    options.server_selection_timeout = Some(Duration::from_millis(settings.server_selection_timeout_ms));
    options.write_concern = Some(majority());
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria =
        Some(SelectionCriteria::ReadPreference(mongodb::options::ReadPreference::Primary));
    options.cmap_event_handler = pool_events;
    options.command_event_handler =
        (settings.command_events || traces::are_on()).then(metrics::command_events);
    let client = Client::with_options(options.clone()).context("mongo.uri (MONGO_URI)")?;
    let database = client.database(&settings.database);
    let hello = match database.run_command(doc! { "hello": 1 }).await {
        Ok(hello) => hello,
        // A driver that was told the name of a set leaves a server aside that is in none: ask that server itself.
        Err(unanswered) => match hello_directly(options).await {
            Some(hello) if !is_usable(&hello) => hello,
            _ => return Err(unanswered).context("MongoDB does not answer; is MONGO_URI right?"),
        },
    };
    if !is_usable(&hello) {
        let how_to_start = match hello.get_bool("isreplicaset") {
            Ok(true) => "Its replica set is not initiated:",
            _ => {
                "MongoDB runs stand-alone, and transactions need a replica set. Start mongod with `--replSet rs0`, then"
            }
        };
        bail!("{how_to_start} run `mongosh --eval 'rs.initiate()'` once; one node is enough.");
    }
    Ok(database)
}

/// A member of a replica set, or a router to shards that are such.
fn is_usable(hello: &Document) -> bool {
    hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|message| message == "isdbgrid")
}

async fn hello_directly(mut options: ClientOptions) -> Option<Document> {
    options.repl_set_name = None;
    options.direct_connection = Some(true);
    options.hosts.truncate(1);
    options.cmap_event_handler = None;
    // Whatever goes wrong here, the first error is the one to tell.
    let client = Client::with_options(options).ok()?;
    client.database("admin").run_command(doc! { "hello": 1 }).await.ok()
}

fn majority() -> WriteConcern {
    WriteConcern::builder().w(mongodb::options::Acknowledgment::Majority).journal(true).build()
}

/// Majority and journal as a document, for commands that take their write concern by hand.
pub fn majority_document() -> Document {
    doc! { "w": "majority", "j": true }
}

/// Snapshot reads and a commit on a majority and its journal.
pub fn durable_transaction() -> TransactionOptions {
    TransactionOptions::builder()
        .read_concern(ReadConcern::snapshot())
        .write_concern(majority())
        .max_commit_time(Duration::from_secs(5))
        .build()
}

/// Creates the collection or brings it up to date: its validator and its indexes. Can be repeated.
pub async fn ensure_collection(
    database: &Database,
    name: &str,
    validator: Document,
    indexes: Vec<IndexModel>,
) -> anyhow::Result<()> {
    let created = database.create_collection(name).validator(validator.clone()).await;
    match created {
        Ok(()) => {}
        // 48, NamespaceExists: another replica or an earlier start was first.
        Err(error) if matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == 48) => {
            // Changing a collection waits for every transaction that has read it, and everybody who writes to it waits
            // behind: a process that was killed leaves one open for as long as the server lets it live.
            if current_validator(database, name).await?.as_ref() != Some(&validator) {
                database
                    .run_command(doc! { "collMod": name, "validator": &validator })
                    .await
                    .with_context(|| format!("validator of {name}"))?;
            }
        }
        Err(error) => return Err(error).with_context(|| format!("create the collection {name}")),
    }
    let mut names = Vec::new();
    if !indexes.is_empty() {
        let created = database.collection::<Document>(name).create_indexes(indexes).await;
        names = created.with_context(|| format!("indexes of {name}"))?.index_names;
    }
    schema::note(database, name, names, &validator).await
}

/// What the server holds every document of the collection against.
async fn current_validator(database: &Database, name: &str) -> anyhow::Result<Option<Document>> {
    let mut found = database
        .list_collections()
        .filter(doc! { "name": name })
        .await
        .with_context(|| format!("look at the collection {name}"))?;
    if !found.advance().await? {
        return Ok(None);
    }
    Ok(found.deserialize_current()?.options.validator)
}

/// A document by its identity, or for certain none. A primary that was just elected does not know yet all that a majority
/// has, and one that was replaced never learns of it: what they miss is asked for again of a primary that proves to be
/// one, which costs a majority's answer.
pub async fn find_surely<T: DeserializeOwned + Send + Sync>(
    collection: &Collection<T>,
    id: impl Into<Bson>,
    limit: Duration,
) -> Result<Option<T>, Error> {
    let by_id = doc! { "_id": id.into() };
    match collection.find_one(by_id.clone()).max_time(limit).await? {
        None => collection.find_one(by_id).read_concern(ReadConcern::linearizable()).max_time(limit).await,
        found => Ok(found),
    }
}

/// Begins a page of a list after the cursor: newest first by this time, then by `_id`, both descending.
pub fn begin_after(query: &mut Document, time: &str, after: Option<Cursor>) {
    let Some(after) = after else { return };
    query.insert(time, doc! { "$lte": after.at });
    // Not `$or`: the planner would look for an index for each of its branches and sort what they give.
    query.insert("$nor", vec![doc! { time: after.at, "_id": { "$gte": EntityId::from_uuid(after.id) } }]);
}

/// Commits, and where the outcome is unknown commits again until the deadline: repeating the work instead could do
/// it twice.
pub async fn commit(session: &mut ClientSession, deadline: std::time::Instant) -> Result<(), Error> {
    loop {
        match session.commit_transaction().await {
            Err(error)
                if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
                    && std::time::Instant::now() < deadline => {}
            other => return other,
        }
        tokio::time::sleep(jitter(Duration::from_millis(10))).await;
    }
}

/// A transaction that is begun again as a whole, until the deadline, where another writer was first:
///
/// ```text
/// let mut transaction = Transaction::open(&database, budget).await?;
/// loop {
///     let done = write_it_all(transaction.begin().await?).await;
///     if let Some(done) = transaction.end(done).await {
///         return done;
///     }
/// }
/// ```
pub struct Transaction {
    session: ClientSession,
    deadline: std::time::Instant,
}

impl Transaction {
    /// The deadline is the request's, or `budget` from now where no request is being served.
    pub async fn open(database: &Database, budget: Duration) -> Result<Self, Error> {
        let deadline = std::time::Instant::now() + context::time_left(budget);
        Ok(Self { session: database.client().start_session().await?, deadline })
    }

    /// Begins, or begins again.
    pub async fn begin(&mut self) -> Result<&mut ClientSession, Error> {
        self.session.start_transaction().with_options(durable_transaction()).await?;
        Ok(&mut self.session)
    }

    /// Commits what was done, or takes it back where it failed. `None`: begin again.
    pub async fn end<T>(&mut self, done: Result<T, Error>) -> Option<Result<T, Error>> {
        let done = match done {
            Ok(value) => commit(&mut self.session, self.deadline).await.map(|()| value),
            Err(failure) => {
                // The server ends a transaction that failed by itself; this only tells it sooner.
                drop(self.session.abort_transaction().await);
                Err(failure)
            }
        };
        match done {
            Err(failure) if is_worth_repeating(&failure) && std::time::Instant::now() < self.deadline => {
                metrics::repeated();
                tokio::time::sleep(jitter(Duration::from_millis(10))).await;
                None
            }
            done => Some(done),
        }
    }
}

/// Whether a transaction may be tried again as a whole.
pub fn is_worth_repeating(error: &Error) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
}

/// Half to one and a half of a wait, so that those who collided do not collide again.
pub fn jitter(wait: Duration) -> Duration {
    let mut byte = [0_u8];
    // Without randomness the wait is merely not spread.
    if getrandom::fill(&mut byte).is_err() {
        return wait;
    }
    wait / 2 + wait * u32::from(byte[0]) / 255
}

/// Whether the primary answers within a second.
pub async fn is_answering(database: &Database) -> bool {
    let database = database.clone();
    let ping = context::spawn(async move { database.run_command(doc! { "ping": 1 }).await.is_ok() });
    matches!(tokio::time::timeout(Duration::from_secs(1), ping).await, Ok(Ok(true)))
}
