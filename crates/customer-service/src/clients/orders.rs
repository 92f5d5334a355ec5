//! order-service: what orders hold of a person.

use common::http::peer::{Peer, PeerError};
use common::ids::CustomerId;
use common::models::order::{ErasedOrders, HeldOrders};

/// Orders of a page; one may have 2,000 lines.
const PAGE: u8 = 20;

#[derive(Clone)]
pub struct Orders {
    peer: Peer,
}

impl Orders {
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// A page of a customer's orders, newest first, after the cursor of the page before.
    pub async fn held(&self, customer: CustomerId, after: Option<&str>) -> Result<HeldOrders, PeerError> {
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        self.peer.get(&format!("/internal/customers/{customer}/orders?limit={PAGE}{after}")).await
    }

    /// Takes out what is personal; may be repeated for ever. Answers how many orders held something.
    pub async fn erase(&self, customer: CustomerId) -> Result<u64, PeerError> {
        let nothing = serde_json::json!({});
        let erased: ErasedOrders =
            self.peer.post(&format!("/internal/customers/{customer}/erase"), &nothing).await?;
        Ok(erased.erased)
    }
}
