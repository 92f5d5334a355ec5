//! Customers as the source of events: by their identities, with nothing personal.

use super::account::Account;
use super::customers::NAME;
use common::events::source::{Described, Happening, Source, Told};
use common::ids::{CustomerId, EntityId};
use common::models::auth::Role;
use common::models::customer::CustomerStatus;
use common::models::event::EntityKind;
use common::mongo::StoreError;
use common::time::Timestamp;
use mongodb::bson::{Document, RawDocumentBuf, deserialize_from_slice, doc};
use serde::Serialize;

pub const SOURCES: [Source; 1] = [Source {
    collection: NAME,
    kind: EntityKind::Customer,
    time: "updatedAt",
    version: Some("version"),
    index: by_change,
    describe,
}];

pub(super) fn by_change() -> Document {
    doc! { "updatedAt": 1, "_id": 1, "version": 1 }
}

/// All that the feed says of a customer: it keeps what was said, also of someone who is erased.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerTold {
    id: CustomerId,
    role: Role,
    status: CustomerStatus,
    email_verified: bool,
    erased: bool,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn describe(document: &RawDocumentBuf) -> Result<Described, StoreError> {
    let account: Account = deserialize_from_slice(document.as_bytes())
        .map_err(|cause| StoreError::Corrupt(format!("an account: {cause}")))?;
    let told = CustomerTold {
        id: account.id,
        role: account.role,
        status: account.status,
        email_verified: account.email_verified_at.is_some(),
        erased: account.erasure.is_some(),
        version: account.version,
        created_at: account.created_at,
        updated_at: account.updated_at,
    };
    let data = serde_json::to_string(&told).map_err(|cause| StoreError::Corrupt(cause.to_string()))?;
    let (kind, first) = if told.erased {
        ("customer.erased", "customer.erased")
    } else {
        ("customer.updated", "customer.registered")
    };
    let happening = Happening::new(kind, account.updated_at);
    Ok(Described {
        id: EntityId::from_uuid(account.id.uuid()),
        version: account.version,
        data,
        told: Told::Latest { happening, first, created_at: account.created_at },
    })
}
