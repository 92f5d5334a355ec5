//! All accounts as rows of a file, a page at a time: as staff see them, without anything that somebody logs in with.

use crate::startup::AppState;
use common::ids::CustomerId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::bulk::FileFormat;
use common::mongo::StoreError;
use common::rows;
use serde_json::Value;

/// Columns of a CSV file of customers.
const COLUMNS: &[&str] = &[
    "id",
    "email",
    "emailVerified",
    "name",
    "phone",
    "marketingConsent",
    "marketingConsentAt",
    "role",
    "status",
    "version",
    "createdAt",
    "updatedAt",
];

/// Accounts of one page.
const PAGE: i64 = 500;

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    Start,
    After(CustomerId),
}

/// Notes who takes everybody's data away, before any of it leaves.
pub async fn begin(state: &AppState, actor: AuditActor, format: FileFormat) -> Result<(), StoreError> {
    let event = AuditEvent::new(actor, "customer.all_exported", AuditSubject::customer("all"));
    state.audit.append(&event.with("format", format.as_str())).await
}

/// The next piece of the file, and where it goes on; `None` after the last.
pub async fn export_page(
    state: &AppState,
    format: FileFormat,
    position: Position,
) -> Result<(String, Option<Position>), StoreError> {
    let after = match position {
        Position::Start => None,
        Position::After(id) => Some(id),
    };
    let accounts = state.customers.page_by_id(after, PAGE).await?;
    let next = accounts.last().map(|last| Position::After(last.id));
    let mut text = String::new();
    if position == Position::Start && format == FileFormat::Csv {
        text.push_str(&rows::heading(COLUMNS));
    }
    for account in accounts {
        let id = account.id;
        let members = serde_json::to_value(account.into_customer());
        let members = members.map_err(|cause| StoreError::Corrupt(format!("customer {id}: {cause}")))?;
        if let Value::Object(members) = members {
            text.push_str(&rows::line(format, COLUMNS, &members));
        }
    }
    Ok((text, next))
}
