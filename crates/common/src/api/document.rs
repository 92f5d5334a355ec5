//! Parts of the description, as each service gives its own, and the whole.

use super::about::About;
use super::described::Input;
use super::schemas::{Schemas, set};
use super::{info, tidy};
use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One operation as it is registered.
pub struct Operation {
    pub method: &'static str,
    pub path: String,
    /// The path of its handler in the source: its last name is what the operation is called.
    pub handler: &'static str,
    pub input: fn(&mut Input),
    pub about: fn() -> About,
}

/// What one service answers. Schemas stand as their types give them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Part {
    /// Operations by method by path.
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Part {
    pub fn of(operations: impl IntoIterator<Item = Operation>) -> Self {
        let (mut paths, mut schemas) = (Map::new(), Schemas::default());
        for Operation { method, path, handler, input, about } in operations {
            let mut read = Input::default();
            input(&mut read);
            let (id, tag) = (operation_id(handler), info::tag_of(&path));
            let (operation, referred) = about().operation(&id, tag, &path, read);
            schemas.merge(referred);
            let methods = paths.entry(path).or_insert_with(|| json!({}));
            set(methods, &method.to_ascii_lowercase(), operation);
        }
        // Every refusal is one.
        schemas.reference::<crate::error::Problem>();
        Self { paths, schemas: schemas.into_map() }
    }

    /// As [`whole`] reads it back.
    pub fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

/// `place_order` of whatever module as `placeOrder`.
fn operation_id(handler: &str) -> String {
    let name = handler.rsplit("::").next().unwrap_or(handler);
    let mut words = name.split('_');
    let mut id = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id
}

/// The description of the whole API, laid out for reading.
pub fn whole(parts: impl IntoIterator<Item = Part>) -> anyhow::Result<String> {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for part in parts {
        for (path, operations) in part.paths {
            let known = paths.insert(path.clone(), operations);
            ensure!(known.is_none(), "{path} is answered by two services");
        }
        for (name, schema) in part.schemas {
            let known = schemas.insert(name.clone(), schema.clone());
            ensure!(known.is_none_or(|known| known == schema), "{name} means two things");
        }
    }
    check_ids(&paths)?;
    let mut document = info::frame();
    set(&mut document, "paths", paths);
    if let Some(components) = document.get_mut("components") {
        set(components, "schemas", schemas);
    }
    tidy::tidy(&mut document);
    serde_json::to_string_pretty(&document).map(|text| text + "\n").context("write the description")
}

/// A client's function is named by it.
fn check_ids(paths: &Map<String, Value>) -> anyhow::Result<()> {
    let mut known = BTreeSet::new();
    let operations = paths.values().filter_map(Value::as_object).flat_map(Map::values);
    for id in operations.filter_map(|operation| operation["operationId"].as_str()) {
        ensure!(known.insert(id), "two operations are called {id}");
    }
    Ok(())
}
