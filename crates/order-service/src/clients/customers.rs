//! customer-service: whether a customer exists and is active.

use common::http::peer::{Peer, PeerError};
use common::ids::CustomerId;
use common::models::customer::{CustomerStanding, CustomerStatus};
use quick_cache::sync::Cache;
use std::time::{Duration, Instant};

/// How long an answer may be relied on: a deactivated customer places no orders after this.
pub const RELIED_ON: Duration = Duration::from_secs(30);

/// Most customers that are remembered.
const REMEMBERED: usize = 100_000;

pub struct Customers {
    peer: Peer,
    known: Cache<CustomerId, (CustomerStatus, Instant)>,
}

impl Customers {
    pub fn new(peer: Peer) -> Self {
        Self { peer, known: Cache::new(REMEMBERED) }
    }

    /// `None` where there is no such customer. An answer may be up to [`RELIED_ON`] old.
    pub async fn status(&self, customer: CustomerId) -> Result<Option<CustomerStatus>, PeerError> {
        if let Some((status, at)) = self.known.get(&customer)
            && at.elapsed() < RELIED_ON
        {
            return Ok(Some(status));
        }
        let asked = Instant::now();
        match self.peer.get::<CustomerStanding>(&format!("/internal/customers/{customer}")).await {
            Ok(standing) => {
                self.known.insert(customer, (standing.status, asked));
                Ok(Some(standing.status))
            }
            Err(PeerError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
