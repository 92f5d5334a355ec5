//! The other services' parts of the audit trail.

use common::audit::AuditPage;
use common::http::peer::{Peer, PeerError};
use common::models::audit::AuditEvent;
use futures_util::future::try_join_all;

#[derive(Clone)]
pub struct AuditTrails {
    services: [Peer; 2],
}

impl AuditTrails {
    pub const fn new(orders: Peer, products: Peer) -> Self {
        Self { services: [orders, products] }
    }

    /// A page of each service, or nothing where one of them does not answer.
    pub async fn list(&self, page: &AuditPage) -> Result<Vec<AuditEvent>, PeerError> {
        let asked = self.services.iter().map(|service| service.post("/internal/audit-events", page));
        let pages: Vec<Vec<AuditEvent>> = try_join_all(asked).await?;
        Ok(pages.into_iter().flatten().collect())
    }
}
