//! Rows of a file into stock: what is available is set, place by place, through the one writer.

use super::change_stock::{ChangeStockError, change};
use crate::domain::entry::{Expected, Settings, StockEntry, StockRefused, Wish};
use crate::domain::product::Product;
use crate::startup::AppState;
use common::http::body::typed;
use common::ids::{MovementId, ProductId};
use common::models::audit::AuditActor;
use common::models::bulk::{ImportReport, NamedBy, RowError};
use common::models::location::LocationId;
use common::models::product::Units;
use common::mongo::StoreError;
use common::rows::Row;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

#[derive(Clone, Debug)]
pub struct StockImport {
    pub by: NamedBy,
    pub dry_run: bool,
    pub actor: AuditActor,
}

/// One row: which product, where, and what is to be so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Count {
    sku: Option<String>,
    external_id: Option<String>,
    location_id: Option<LocationId>,
    /// Units that are to be available.
    quantity: Option<Units>,
    low_stock_threshold: Option<Units>,
    incoming: Option<Units>,
}

/// Sets stock as the rows say, in the order of the file as far as they name the same product.
pub async fn import_stock(
    state: &AppState,
    rows: Vec<Row>,
    import: &StockImport,
) -> Result<ImportReport, StoreError> {
    let mut report = ImportReport { rows: u64::try_from(rows.len()).unwrap_or(0), ..ImportReport::default() };
    let mut counts = Vec::with_capacity(rows.len());
    for row in rows {
        match parse(row, import.by) {
            Ok(count) => counts.push(count),
            Err(error) => report.fail(error),
        }
    }
    let names: Vec<&str> = counts.iter().map(|(_, name, _)| name.as_str()).collect();
    let found = state.products.named(import.by, &names).await?;
    let name_of = |product: &Product| match import.by {
        NamedBy::Sku => Some(product.sku.to_string()),
        NamedBy::ExternalId => product.details.external_id.as_ref().map(ToString::to_string),
    };
    let known: HashMap<String, ProductId> =
        found.iter().filter_map(|product| Some((name_of(product)?, product.id))).collect();
    let named: Vec<&LocationId> =
        counts.iter().filter_map(|(_, _, count)| count.location_id.as_ref()).collect();
    let places = state.locations.places(&named).await?;
    let mut changes = Vec::with_capacity(counts.len());
    for (line, name, count) in counts {
        let Some(product_id) = known.get(&name) else {
            report.fail(failed(line, import.by.as_str(), "there is no such product"));
            continue;
        };
        if let Some(unknown) = count.location_id.as_ref().filter(|place| !places.knows(place)) {
            report.fail(failed(line, "locationId", format!("{unknown} is no location")));
            continue;
        }
        changes.push((line, *product_id, count));
    }
    if import.dry_run {
        report.updated += u64::try_from(changes.len()).unwrap_or(0);
    } else {
        let set = changes.into_iter().map(|(line, product_id, count)| async move {
            (line, apply(state, product_id, count, &import.actor).await)
        });
        // They wait in the order in which they are made here, so that the writer sees them in the order of the file.
        for (line, outcome) in join_all(set).await {
            match outcome {
                Ok(true) => report.updated += 1,
                Ok(false) => report.unchanged += 1,
                Err(ChangeStockError::Store(cause)) => return Err(cause),
                Err(ChangeStockError::Refused(why)) => report.fail(failed(line, blamed(&why), why)),
            }
        }
    }
    report.errors.sort_by_key(|error| error.line);
    Ok(report)
}

fn failed(line: u64, field: &str, detail: impl ToString) -> RowError {
    RowError { line, field: field.to_owned(), detail: detail.to_string() }
}

fn blamed(why: &StockRefused) -> &'static str {
    match why {
        StockRefused::TooManyUnits => "quantity",
        StockRefused::UnknownLocation(_) => "locationId",
        _ => "",
    }
}

fn parse(row: Row, by: NamedBy) -> Result<(u64, String, Count), RowError> {
    let line = row.line;
    let members = row.members.map_err(|(field, rule)| failed(line, &field, rule))?;
    let count: Count = typed(Value::Object(members))
        .map_err(|error| failed(line, error.pointer.trim_start_matches('/'), error.detail))?;
    let name = match by {
        NamedBy::Sku => count.sku.clone(),
        NamedBy::ExternalId => count.external_id.clone(),
    };
    let name = name.ok_or_else(|| failed(line, by.as_str(), "is missing"))?;
    if count.quantity.is_none() && count.low_stock_threshold.is_none() && count.incoming.is_none() {
        return Err(failed(line, "quantity", "is missing"));
    }
    Ok((line, name, count))
}

/// Answers whether anything is another than before.
async fn apply(
    state: &AppState,
    product_id: ProductId,
    count: Count,
    actor: &AuditActor,
) -> Result<bool, ChangeStockError> {
    let mut is_written = false;
    let entry = |wish| StockEntry { id: MovementId::new(), product_id, wish, actor: actor.clone() };
    if let Some(available) = count.quantity {
        // A file that names no place means the default one.
        let location_id = Some(count.location_id.unwrap_or_else(LocationId::main));
        let wish = Wish::SetAvailable { available, location_id, expected: Expected::default() };
        is_written |= change(state, entry(wish)).await?.is_written;
    }
    let units = |units: Units| i64::from(units.get());
    let settings = Settings {
        incoming: count.incoming.map(units),
        backorder_limit: None,
        low_stock_threshold: count.low_stock_threshold.map(|threshold| Some(units(threshold))),
    };
    if settings != Settings::default() {
        let wish = Wish::Configure { settings, expected: Expected::default() };
        is_written |= change(state, entry(wish)).await?.is_written;
    }
    Ok(is_written)
}
