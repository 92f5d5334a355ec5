//! Reads the audit trail: this service's entries and those of the others, merged newest first by the same cursor.

use crate::startup::AppState;
use common::audit::AuditFilter;
use common::http::page::{Cursor, Limit};
use common::http::peer::PeerError;
use common::models::audit::AuditEvent;
use common::mongo::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// A page. Where one of them does not answer there is none: a trail with holes would mislead.
pub async fn read_audit_trail(
    state: &AppState,
    filter: &AuditFilter,
    after: Option<Cursor>,
    limit: Limit,
) -> Result<Vec<AuditEvent>, TrailError> {
    let mut events = state.audit.list(filter, after, limit).await?;
    let (orders, products) = futures_util::future::try_join(
        state.orders.audit_events(filter, after, limit),
        state.products.audit_events(filter, after, limit),
    )
    .await?;
    events.extend(orders);
    events.extend(products);
    events.sort_by_key(|event| std::cmp::Reverse((event.at, event.id)));
    events.truncate(limit.get().into());
    Ok(events)
}
