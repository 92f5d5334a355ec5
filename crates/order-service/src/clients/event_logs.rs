//! The logs of the other services' events.

use common::events::cursor::LogName;
use common::events::log::LogPage;
use common::http::peer::{Peer, PeerError};
use common::models::event::TypeFilter;

pub struct EventLogs {
    customers: Peer,
    products: Peer,
}

impl EventLogs {
    pub fn new(customers: Peer, products: Peer) -> Self {
        Self { customers, products }
    }

    /// A page of a log that is not our own; `None` where what follows the position is gone.
    pub async fn read(
        &self,
        log: LogName,
        after: Option<i64>,
        wanted: &TypeFilter,
        limit: u8,
    ) -> Result<Option<LogPage>, PeerError> {
        let peer = match log {
            LogName::Customers => &self.customers,
            LogName::Products | LogName::Orders => &self.products,
        };
        let mut path = format!("/internal/events?limit={limit}");
        if let Some(after) = after {
            path.push_str(&format!("&after={after}"));
        }
        if !wanted.is_everything() {
            // Names of types need no escaping.
            path.push_str(&format!("&types={wanted}"));
        }
        match peer.get(&path).await {
            Ok(page) => Ok(Some(page)),
            Err(PeerError::Refused { status: 410, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
