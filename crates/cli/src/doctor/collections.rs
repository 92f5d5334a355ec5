//! The three databases: prepared by a service, with every index and validator it made, and nothing waiting for long.

use super::diagnosis::Diagnosis;
use anyhow::Context as _;
use common::schema::{self, CollectionSchema};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Client, Database};
use std::collections::BTreeMap;
use std::time::Duration;

/// A pending order this old is settled by nobody; the sweeper takes those older than ten seconds.
const PENDING_LIMIT_S: i64 = 60;
/// An effect on stock that has been due for this long is delivered by nobody.
const EFFECT_LIMIT_S: i64 = 120;

/// Longest time for one look at a collection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks at each service's database.
pub async fn examine(client: &Client, prefix: &str, diagnosis: &mut Diagnosis) {
    for (name, service) in
        [("orders", "order-service"), ("customers", "customer-service"), ("products", "product-service")]
    {
        let database = client.database(&format!("{prefix}_{name}"));
        let subject = format!("database {}", database.name());
        match compare(&database).await {
            Ok(Compared::Unprepared) => diagnosis.wrong(
                subject,
                "no service has ever prepared it",
                format!("Start {service} against it. If that runs: does it use this MongoDB, and this prefix?"),
            ),
            Ok(Compared::Faults(faults)) if faults.is_empty() => {
                diagnosis.good(subject, "has every collection, index and validator");
            }
            Ok(Compared::Faults(faults)) => diagnosis.wrong(
                subject,
                faults.join("; "),
                format!("Restart {service}: it makes what is missing while it starts, which takes a while on much data."),
            ),
            Err(cause) => diagnosis.wrong(
                subject,
                format!("it cannot be read: {cause:#}"),
                "Give the user of MONGO_URI the role read on it.",
            ),
        }
    }
    examine_queues(&client.database(&format!("{prefix}_orders")), diagnosis).await;
}

enum Compared {
    Unprepared,
    /// What is missing.
    Faults(Vec<String>),
}

/// Holds what is there against what the last start of the service wrote down.
async fn compare(database: &Database) -> anyhow::Result<Compared> {
    let notes = database.collection::<CollectionSchema>(schema::NAME).find(doc! {}).await?;
    let notes: Vec<CollectionSchema> = notes.try_collect().await?;
    if notes.is_empty() {
        return Ok(Compared::Unprepared);
    }
    let mut validators = BTreeMap::new();
    let mut found = database.list_collections().await?;
    while let Some(collection) = found.try_next().await? {
        validators.insert(collection.name, collection.options.validator.unwrap_or_default());
    }
    let mut faults = Vec::new();
    for note in notes {
        let name = &note.collection;
        let Some(validator) = validators.get(name) else {
            faults.push(format!("the collection {name} is missing"));
            continue;
        };
        if schema::fingerprint(validator)? != note.validator {
            faults.push(format!("{name} has another validator"));
        }
        let indexes = database.collection::<Document>(name).list_index_names().await.context("indexes")?;
        let missing = note.indexes.iter().filter(|index| !indexes.contains(index));
        faults.extend(missing.map(|index| format!("{name} lacks the index {index}")));
    }
    Ok(Compared::Faults(faults))
}

async fn examine_queues(orders: &Database, diagnosis: &mut Diagnosis) {
    let before = |age_s: i64| DateTime::from_millis(DateTime::now().timestamp_millis() - age_s * 1000);
    let pending = doc! { "status": "pending", "createdAt": { "$lt": before(PENDING_LIMIT_S) } };
    let due = doc! {
        "effects.state": "due",
        "effects.at": { "$lt": before(EFFECT_LIMIT_S) },
        "effects": { "$elemMatch": { "state": "due", "at": { "$lt": before(EFFECT_LIMIT_S) } } },
    };
    for (subject, filter, what, limit_s) in [
        ("pending orders", pending, "pending", PENDING_LIMIT_S),
        ("effects on stock", due, "waiting for its stock to be moved", EFFECT_LIMIT_S),
    ] {
        let found = orders.collection::<Document>("orders").find_one(filter).max_time(PATIENCE).await;
        match found {
            Ok(None) => diagnosis.good(subject, format!("none is older than {limit_s} s")),
            Ok(Some(order)) => {
                let id = order.get("_id").map(identity).unwrap_or_default();
                diagnosis.wrong(
                    subject,
                    format!("the order {id} has been {what} for more than {limit_s} s"),
                    "order-service settles such orders by itself while it reaches product-service and the service \
                     tokens agree: its log tells why it does not.",
                );
            }
            Err(cause) => diagnosis.warning(
                subject,
                format!("they cannot be looked at: {cause}"),
                "Give the user of MONGO_URI the role read on the orders' database.",
            ),
        }
    }
}

fn identity(id: &Bson) -> String {
    match id {
        Bson::Binary(binary) => binary.to_uuid().map_or_else(|_| id.to_string(), |uuid| uuid.to_string()),
        other => other.to_string(),
    }
}
