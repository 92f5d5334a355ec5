//! Reads the audit trail: this service's entries and those of the others, merged newest first by the same cursor.

use crate::startup::AppState;
use common::audit::AuditPage;
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
pub async fn read_audit_trail(state: &AppState, page: &AuditPage) -> Result<Vec<AuditEvent>, TrailError> {
    let mut events = state.audit.list(&page.filter, page.after, page.limit).await?;
    events.extend(state.audit_trails.list(page).await?);
    events.sort_by_key(|event| std::cmp::Reverse((event.at, event.id)));
    events.truncate(page.limit.get().into());
    Ok(events)
}
