//! What order-service has still to do, counted for its operators.

use super::orders::Orders;
use common::mongo::StoreError;
use common::time::Timestamp;
use mongodb::bson::{Document, doc};
use std::time::Duration;

/// Longest that one of the questions may run in the database.
const MAX_READ: Duration = Duration::from_secs(2);

/// Counting ends here: more than this is too much, however much it is.
const MOST_COUNTED: u64 = 10_000;

/// Orders with effects due among which the oldest is looked for: where more wait, all of them are late.
const LOOKED_AT: i64 = 100;

/// Orders that are not settled and orders that owe the ledger something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// At most 10,000, as is `effects_due`.
    pub pending: usize,
    /// Age in seconds; 0 where there is none.
    pub oldest_pending_s: i64,
    pub effects_due: usize,
    pub oldest_effect_due_s: i64,
}

impl Orders {
    /// Looks at the indexes of the sweeper alone.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let now = Timestamp::now();
        let age_s = |since: Option<Timestamp>| {
            since.map_or(0, |since| (now.as_millis() - since.as_millis()).max(0) / 1000)
        };
        let oldest_pending = self.pending_since(now, None, 1).await?.first().map(|order| order.created_at);
        let debts = self.debts_since(now, None, LOOKED_AT).await?;
        let oldest_due = debts.iter().flat_map(|debt| &debt.effects).map(|effect| effect.at).min();
        Ok(Backlog {
            pending: self.count(doc! { "status": "pending" }).await?,
            oldest_pending_s: age_s(oldest_pending),
            effects_due: self.count(doc! { "effects.state": "due" }).await?,
            oldest_effect_due_s: age_s(oldest_due),
        })
    }

    async fn count(&self, query: Document) -> Result<usize, StoreError> {
        let counted = self.collection.count_documents(query).limit(MOST_COUNTED).max_time(MAX_READ).await?;
        Ok(usize::try_from(counted).unwrap_or(usize::MAX))
    }
}
