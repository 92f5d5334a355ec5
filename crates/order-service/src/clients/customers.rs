//! customer-service: whether a customer exists, is active, and since when their tokens are good.

use common::http::peer::{Peer, PeerError};
use common::ids::{AddressId, CustomerId};
use common::metrics::cache::CacheMetrics;
use common::models::address::PostalAddress;
use common::models::customer::CustomerStanding;
use quick_cache::sync::Cache;
use std::time::{Duration, Instant};

/// How long an answer may be relied on: who was deactivated or has logged out places no orders after this.
pub const RELIED_ON: Duration = Duration::from_secs(30);

/// Most customers that are remembered.
const REMEMBERED: usize = 100_000;

pub struct Customers {
    peer: Peer,
    known: Cache<CustomerId, (CustomerStanding, Instant)>,
    looked_up: CacheMetrics,
}

impl Customers {
    pub fn new(peer: Peer) -> Self {
        Self { peer, known: Cache::new(REMEMBERED), looked_up: CacheMetrics::new("customer_standing") }
    }

    /// `None` where there is no such customer. An answer may be up to [`RELIED_ON`] old.
    pub async fn standing(&self, customer: CustomerId) -> Result<Option<CustomerStanding>, PeerError> {
        if let Some((standing, at)) = self.known.get(&customer)
            && at.elapsed() < RELIED_ON
        {
            self.looked_up.count(true);
            return Ok(Some(standing));
        }
        self.looked_up.count(false);
        let asked = Instant::now();
        match self.peer.get::<CustomerStanding>(&format!("/internal/customers/{customer}")).await {
            Ok(standing) => {
                self.known.insert(customer, (standing.clone(), asked));
                Ok(Some(standing))
            }
            Err(PeerError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One of a customer's own addresses; `None` where they have none of this identity.
    pub async fn address(
        &self,
        customer: CustomerId,
        address: AddressId,
    ) -> Result<Option<PostalAddress>, PeerError> {
        match self.peer.get(&format!("/internal/customers/{customer}/addresses/{address}")).await {
            Ok(address) => Ok(Some(address)),
            Err(PeerError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
