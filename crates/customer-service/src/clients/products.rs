//! product-service: its part of the audit trail.

use common::audit::{AuditFilter, AuditPage};
use common::http::page::{Cursor, Limit};
use common::http::peer::{Peer, PeerError};
use common::models::audit::AuditEvent;

#[derive(Clone)]
pub struct Products {
    peer: Peer,
}

impl Products {
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// Entries of the trail, newest first, after the cursor.
    pub async fn audit_events(
        &self,
        filter: &AuditFilter,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Vec<AuditEvent>, PeerError> {
        let page = AuditPage { filter: filter.clone(), after, limit };
        self.peer.post("/internal/audit-events", &page).await
    }
}
