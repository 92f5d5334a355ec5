//! The cells of a CSV row as members of a JSON object, so that both formats follow the same rules from there on.

use serde_json::{Map, Number, Value};

/// Columns of numbers; what is none stays text, and its rule says so.
const NUMBERS: [&str; 6] = ["price", "weightGrams", "inventory", "quantity", "lowStockThreshold", "incoming"];

/// Columns of several texts, with `|` between them.
const LISTS: [&str; 2] = ["tags", "images"];

/// Columns of JSON objects.
const OBJECTS: [&str; 5] = ["attributes", "options", "metadata", "dimensions", "backorder"];

/// An empty cell is a member that is left out. Or what is wrong: column and rule.
pub(super) fn members(heading: &[String], cells: &[&[u8]]) -> Result<Map<String, Value>, (String, String)> {
    if heading.len() != cells.len() {
        let rule = format!("has {} columns where the heading has {}", cells.len(), heading.len());
        return Err((String::new(), rule));
    }
    let mut members = Map::new();
    for (column, cell) in heading.iter().zip(cells) {
        let text = std::str::from_utf8(cell).map_err(|_| (column.clone(), "is not UTF-8".to_owned()))?;
        if !text.is_empty() {
            members.insert(column.clone(), value(column, text)?);
        }
    }
    Ok(members)
}

fn value(column: &str, text: &str) -> Result<Value, (String, String)> {
    if NUMBERS.contains(&column) {
        let number = text.trim().parse::<Number>();
        return Ok(number.map_or_else(|_| Value::String(text.to_owned()), Value::Number));
    }
    if LISTS.contains(&column) {
        return Ok(text.split('|').map(|part| Value::String(part.trim().to_owned())).collect());
    }
    if OBJECTS.contains(&column) {
        return serde_json::from_str(text).map_err(|_| (column.to_owned(), "is not JSON".to_owned()));
    }
    Ok(Value::String(text.to_owned()))
}

/// A member as the cell that [`members`] reads back as the same.
pub(super) fn cell(column: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) if LISTS.contains(&column) => {
            parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|")
        }
        other => other.to_string(),
    }
}
