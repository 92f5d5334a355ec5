//! Rows of a file into the catalogue: what is new is made, what is other is changed, and what cannot be is told.

use super::change_product::{ChangeProductError, change_product};
use super::create_product::{CreateProductError, create_product};
use crate::domain::movement::{Movement, MovementLine};
use crate::domain::product::{InvalidProduct, Product};
use crate::domain::rows::Row;
use crate::domain::stock::Stock;
use crate::startup::AppState;
use crate::store::product_rows::{NamedBy, NewRow};
use crate::store::product_writes::Taken;
use common::error::FieldError;
use common::http::body::typed;
use common::http::merge_patch::{Patch, merged};
use common::ids::{MovementId, ProductId};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::bulk::{ImportReport, RowError};
use common::models::inventory::MovementKind;
use common::models::location::LocationId;
use common::models::product::NewProduct;
use common::mongo::StoreError;
use common::time::Timestamp;
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Changes of products that exist are written one by one, so many at a time.
const CHANGES_AT_ONCE: usize = 8;

#[derive(Clone, Debug)]
pub struct ProductImport {
    pub by: NamedBy,
    pub dry_run: bool,
    pub actor: AuditActor,
}

/// A row whose members could be read.
struct Wanted {
    line: u64,
    name: String,
    members: Patch,
}

/// Puts rows in, in the order of the file as far as they name the same product.
pub async fn import_products(
    state: &AppState,
    rows: Vec<Row>,
    import: &ProductImport,
) -> Result<ImportReport, StoreError> {
    let mut report = ImportReport { rows: u64::try_from(rows.len()).unwrap_or(0), ..ImportReport::default() };
    let (mut batch, mut names) = (Vec::new(), HashSet::new());
    for row in rows {
        match wanted(row, import.by) {
            Err(error) => report.fail(error),
            Ok(wanted) => {
                if !names.insert(wanted.name.clone()) {
                    import_batch(state, std::mem::take(&mut batch), import, &mut report).await?;
                    names = HashSet::from([wanted.name.clone()]);
                }
                batch.push(wanted);
            }
        }
    }
    import_batch(state, batch, import, &mut report).await?;
    report.errors.sort_by_key(|error| error.line);
    Ok(report)
}

fn failed(line: u64, field: impl Into<String>, detail: impl ToString) -> RowError {
    RowError { line, field: field.into(), detail: detail.to_string() }
}

fn told(line: u64, error: FieldError) -> RowError {
    failed(line, error.pointer.trim_start_matches('/'), error.detail)
}

fn wanted(row: Row, by: NamedBy) -> Result<Wanted, RowError> {
    let line = row.line;
    let members = row.members.map_err(|(field, rule)| failed(line, field, rule))?;
    let field = match by {
        NamedBy::Sku => "sku",
        NamedBy::ExternalId => "externalId",
    };
    match members.get(field) {
        Some(Value::String(name)) => Ok(Wanted { line, name: name.clone(), members }),
        Some(_) => Err(failed(line, field, "must be text")),
        None => Err(failed(line, field, "is missing")),
    }
}

async fn import_batch(
    state: &AppState,
    batch: Vec<Wanted>,
    import: &ProductImport,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    let names: Vec<&str> = batch.iter().map(|wanted| wanted.name.as_str()).collect();
    let found = state.products.named(import.by, &names).await?;
    let name_of = |product: &Product| match import.by {
        NamedBy::Sku => Some(product.sku.to_string()),
        NamedBy::ExternalId => product.details.external_id.as_ref().map(ToString::to_string),
    };
    let mut known: HashMap<String, Product> =
        found.into_iter().filter_map(|product| Some((name_of(&product)?, product))).collect();
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for wanted in batch {
        match known.remove(&wanted.name) {
            None => match typed::<NewProduct>(Value::Object(wanted.members)) {
                Ok(request) => new.push((wanted.line, request)),
                Err(error) => report.fail(told(wanted.line, error)),
            },
            Some(product) => match change(&product, wanted.members) {
                Ok(None) => report.unchanged += 1,
                Ok(Some(patch)) => changed.push((wanted.line, product.id, patch)),
                Err(error) => report.fail(told(wanted.line, error)),
            },
        }
    }
    create_all(state, new, import, report).await?;
    change_all(state, changed, import, report).await
}

/// The patch, where it changes anything. What is in stock is not a product's: `inventory` is for new ones alone.
fn change(product: &Product, mut members: Patch) -> Result<Option<Patch>, FieldError> {
    members.remove("inventory");
    let wanted = merged(&product.request(), members.clone())?;
    let changed = product.changed(wanted, product.updated_at).map_err(|invalid| {
        FieldError::new(format!("/{}", invalid.field()), "invalid_value", invalid.rule())
    })?;
    Ok((changed.version != product.version).then_some(members))
}

async fn create_all(
    state: &AppState,
    new: Vec<(u64, NewProduct)>,
    import: &ProductImport,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    let mut categories = HashMap::new();
    let (mut rows, mut requests) = (Vec::with_capacity(new.len()), Vec::with_capacity(new.len()));
    let mut variants = Vec::new();
    for (line, request) in new {
        if let Some(category) = &request.category {
            let is_there = match categories.get(category) {
                Some(is_there) => *is_there,
                None => state.categories.has(category).await?,
            };
            categories.insert(category.clone(), is_there);
            if !is_there {
                report.fail(failed(line, "category", "there is no such category"));
                continue;
            }
        }
        if request.parent_id.is_some() {
            variants.push((line, request));
            continue;
        }
        match new_row(request.clone(), import) {
            Ok(row) => {
                rows.push(row);
                requests.push((line, request));
            }
            Err(error) => report.fail(RowError { line, ..error }),
        }
    }
    if import.dry_run {
        report.created += u64::try_from(rows.len() + variants.len()).unwrap_or(0);
        return Ok(());
    }
    if rows.is_empty() || state.products.insert_all(&rows).await? {
        report.created += u64::try_from(rows.len()).unwrap_or(0);
        requests.clear();
    }
    // One of them has what another product has: each by itself tells which.
    for (line, request) in requests.into_iter().chain(variants) {
        match create_product(state, request, None, import.actor.clone()).boxed().await {
            Ok(_) => report.created += 1,
            Err(why) => report.fail(not_created(line, why)?),
        }
    }
    Ok(())
}

/// What is wrong with the row; a store that fails is nobody's row.
fn not_created(line: u64, why: CreateProductError) -> Result<RowError, StoreError> {
    Ok(match why {
        CreateProductError::Store(cause) => return Err(cause),
        CreateProductError::Invalid(invalid) => broken(line, &invalid),
        CreateProductError::Taken(taken) => taken_by_another(line, taken),
        CreateProductError::UnknownCategory => failed(line, "category", why),
        CreateProductError::UnknownParent | CreateProductError::ParentIsVariant => {
            failed(line, "parentId", why)
        }
        CreateProductError::KeyReused => failed(line, "", why),
    })
}

fn broken(line: u64, invalid: &InvalidProduct) -> RowError {
    failed(line, invalid.field(), invalid.rule())
}

fn taken_by_another(line: u64, taken: Taken) -> RowError {
    match taken {
        Taken::Sku => failed(line, "sku", "another product has it"),
        Taken::ExternalId => failed(line, "externalId", "another product has it"),
        Taken::Options => failed(line, "options", "another variant of this product has these"),
    }
}

fn not_changed(line: u64, why: ChangeProductError) -> Result<RowError, StoreError> {
    Ok(match why {
        ChangeProductError::Store(cause) => return Err(cause),
        ChangeProductError::Field(error) => told(line, error),
        ChangeProductError::Invalid(invalid) => broken(line, &invalid),
        ChangeProductError::Taken(taken) => taken_by_another(line, taken),
        ChangeProductError::UnknownCategory => failed(line, "category", why),
        ChangeProductError::NotFound
        | ChangeProductError::Stale { .. }
        | ChangeProductError::Stock(_)
        | ChangeProductError::Contended => failed(line, "", why),
    })
}

fn new_row(request: NewProduct, import: &ProductImport) -> Result<NewRow, RowError> {
    let (id, now) = (ProductId::new(), Timestamp::now());
    let units = i64::from(request.inventory.unwrap_or_default().get());
    let product = Product::create(id, request, None, now).map_err(|invalid| broken(0, &invalid))?;
    let lines = vec![MovementLine::on_hand(id, LocationId::main(), units)];
    let reference = import.actor.reference();
    let receipt = (units > 0).then(|| {
        Movement::new(MovementId::new(), MovementKind::Receipt, lines, &reference, now)
            .because("opening stock")
    });
    let stock = Stock { backorder_limit: product.backorder_limit(), ..Stock::opening(id, units) };
    let subject = AuditSubject::new(SubjectKind::Product, id);
    let event = AuditEvent::new(import.actor.clone(), "product.created", subject)
        .with("priceMinor", product.price.minor())
        .with("currency", product.currency.to_string())
        .with("onHand", units);
    Ok(NewRow { product, stock, receipt, event })
}

async fn change_all(
    state: &AppState,
    changed: Vec<(u64, ProductId, Patch)>,
    import: &ProductImport,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    if import.dry_run {
        report.updated += u64::try_from(changed.len()).unwrap_or(0);
        return Ok(());
    }
    let change = |(line, id, patch)| async move {
        (line, change_product(state, id, patch, None, &import.actor).boxed().await)
    };
    let outcomes: Vec<_> =
        stream::iter(changed.into_iter().map(change)).buffer_unordered(CHANGES_AT_ONCE).collect().await;
    for (line, outcome) in outcomes {
        match outcome {
            Ok(_) => report.updated += 1,
            Err(why) => report.fail(not_changed(line, why)?),
        }
    }
    Ok(())
}
