//! Makes schemas as they are derived into ones that say no less and no more than is so.

use super::schemas::{referred, set};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Puts plain values where they are used, takes `null` away from what is only ever answered, and bounds whole numbers.
pub(super) fn tidy(document: &mut Value) {
    let taken = document.pointer_mut("/components/schemas").map(Value::take);
    let paths = document.pointer_mut("/paths").map(Value::take);
    let (Some(Value::Object(mut schemas)), Some(mut paths)) = (taken, paths) else { return };
    let plain = schemas.iter().filter(|(_, schema)| is_plain(schema));
    let plain: Map<String, Value> = plain.map(|(name, schema)| (name.clone(), schema.clone())).collect();
    schemas.retain(|name, _| !plain.contains_key(name));
    for schema in schemas.values_mut().chain([&mut paths]) {
        // A plain value may be made of others.
        for _ in 0..3 {
            put_in_place(schema, &plain);
        }
        merge_null(schema);
        bound(schema);
    }
    let sent = sent(&paths, &schemas);
    for (name, schema) in &mut schemas {
        if !sent.contains(name) {
            take_null(schema);
        }
    }
    for operation in members(&mut paths).flat_map(members) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for schema in parameters.into_iter().flatten().filter_map(|parameter| parameter.get_mut("schema")) {
            take_null_here(schema);
        }
    }
    let shared = share_refusals(&mut paths);
    set(document, "paths", paths);
    if let Some(components) = document.get_mut("components") {
        set(components, "schemas", schemas);
        set(components, "responses", shared);
    }
}

/// The most usual answer of each status that is no success, told once for all.
fn share_refusals(paths: &mut Value) -> Map<String, Value> {
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    each_refusal(paths, |status, response| {
        *counts.entry(status.to_owned()).or_default().entry(response.to_string()).or_default() += 1;
    });
    let most = |counts: &BTreeMap<String, usize>| {
        let (text, count) = counts.iter().max_by_key(|(_, count)| **count)?;
        (*count > 1).then(|| text.clone())
    };
    let usual: BTreeMap<String, String> =
        counts.iter().filter_map(|(status, counts)| Some((status.clone(), most(counts)?))).collect();
    let mut shared = Map::new();
    each_refusal(paths, |status, response| {
        if usual.get(status) == Some(&response.to_string()) {
            let name = format!("Refusal{status}");
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            shared.insert(name, std::mem::replace(response, reference));
        }
    });
    shared
}

fn each_refusal(paths: &mut Value, mut visit: impl FnMut(&str, &mut Value)) {
    for operation in members(paths).flat_map(members) {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            if status.as_str() >= "400" {
                visit(status, response);
            }
        }
    }
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

/// A text, a number, or a list or map of such, without a name of its own that anybody needs.
fn is_plain(schema: &Value) -> bool {
    ["properties", "enum", "allOf", "anyOf", "oneOf"].iter().all(|word| schema.get(word).is_none())
}

/// Calls `change` with every schema and object, the inner ones first.
fn each(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| each(member, change)),
        Value::Array(members) => members.iter_mut().for_each(|member| each(member, change)),
        _ => return,
    }
    change(value);
}

fn put_in_place(schema: &mut Value, plain: &Map<String, Value>) {
    each(schema, &mut |schema| {
        let Some(found) = referred(schema).and_then(|name| plain.get(name)) else { return };
        let mut put = found.clone();
        if let (Some(put), Some(beside)) = (put.as_object_mut(), schema.as_object()) {
            put.extend(
                beside.iter().filter(|(name, _)| *name != "$ref").map(|(k, v)| (k.clone(), v.clone())),
            );
        }
        *schema = put;
    });
}

/// `oneOf` a plain value or `null` is a value of two types.
fn merge_null(schema: &mut Value) {
    each(schema, &mut |schema| {
        let Some(value) = beside_null(schema) else { return };
        let Some(kind) = value.get("type").filter(|kind| kind.is_string()).cloned() else { return };
        if value.get("enum").is_some() {
            return;
        }
        let mut merged = value.clone();
        set(&mut merged, "type", json!([kind, "null"]));
        if let Some(text) = schema.get("description") {
            set(&mut merged, "description", text.clone());
        }
        *schema = merged;
    });
}

/// What may be `null` here, without it.
fn beside_null(schema: &Value) -> Option<&Value> {
    let choices = schema.get("oneOf")?.as_array()?;
    let null = json!({ "type": "null" });
    match choices.as_slice() {
        [value, other] | [other, value] if *other == null => Some(value),
        _ => None,
    }
}

/// What is never `null`: the member is left out instead.
fn take_null(schema: &mut Value) {
    each(schema, &mut take_null_here);
}

fn take_null_here(schema: &mut Value) {
    if let Some(value) = beside_null(schema) {
        let mut value = value.clone();
        if let Some(text) = schema.get("description") {
            set(&mut value, "description", text.clone());
        }
        *schema = value;
    }
    let Some(kinds) = schema.get("type").and_then(Value::as_array) else { return };
    if let [kind] = kinds.iter().filter(|kind| **kind != "null").collect::<Vec<_>>().as_slice() {
        let kind = (*kind).clone();
        set(schema, "type", kind);
    }
}

/// What the type of a whole number can hold; OpenAPI has no format for numbers without a sign.
fn bound(schema: &mut Value) {
    each(schema, &mut |schema| {
        let Some(format) = schema.get("format").and_then(Value::as_str).map(str::to_owned) else { return };
        let Some(members) = schema.as_object_mut() else { return };
        if !members.contains_key("type") {
            return;
        }
        let is_unsigned = members.contains_key("minimum");
        let most = match format.as_str() {
            "int32" if is_unsigned => u64::from(u32::MAX),
            "int32" => u64::from(i32::MAX.unsigned_abs()),
            _ => return,
        };
        members.entry("maximum").or_insert_with(|| most.into());
        if !is_unsigned {
            members.insert("minimum".to_owned(), i32::MIN.into());
        }
        members.insert("format".to_owned(), "int64".into());
    });
}

/// The schemas that a request can hold.
fn sent(paths: &Value, schemas: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let operations = paths.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object);
    let bodies = operations.flat_map(Map::values).filter_map(|operation| operation.get("requestBody"));
    let mut left: Vec<&Value> = bodies.collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Array(members) => left.extend(members),
            Value::Object(members) => {
                if let Some(name) = referred(value)
                    && found.insert(name.to_owned())
                {
                    left.extend(schemas.get(name));
                }
                left.extend(members.values());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::schemas::reference;
    use super::*;

    #[test]
    fn what_is_only_answered_is_never_null_and_plain_values_stand_where_they_are_used() {
        let field = json!({ "oneOf": [reference("Name"), { "type": "null" }], "description": "How." });
        let thing = json!({ "type": "object", "properties": { "name": field } });
        let body = json!({ "content": { "application/json": { "schema": reference("NewThing") } } });
        let mut document = json!({
            "paths": { "/things": { "post": { "parameters": [], "requestBody": body } } },
            "components": { "schemas": {
                "Name": { "type": "string", "minLength": 1 },
                "NewThing": thing,
                "Thing": thing,
            } },
        });
        tidy(&mut document);
        let shown = |name: &str| document["components"]["schemas"][name]["properties"]["name"].clone();
        assert_eq!(
            shown("NewThing"),
            json!({ "type": ["string", "null"], "minLength": 1, "description": "How." })
        );
        assert_eq!(shown("Thing"), json!({ "type": "string", "minLength": 1, "description": "How." }));
        assert_eq!(document["components"]["schemas"].get("Name"), None);
    }
}
