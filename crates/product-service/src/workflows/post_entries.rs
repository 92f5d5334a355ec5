//! Group commit of the stock ledger: every change of existing stock waits here for the one writer of this process.

use crate::config::LedgerSettings;
use crate::domain::entry::{Entry, HoldEntry, HoldWish, Outcome};
use crate::domain::ledger::{Offers, Terms};
use crate::metrics;
use crate::store::ledger::{Ledger, Lookup, PostError, Posted};
use crate::store::locations::Locations;
use crate::store::products::Products;
use common::batch::{BatchLimits, Batcher, NotBatched};
use common::ids::ProductId;
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome};
use common::mongo::{StoreError, jitter};
use common::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// First wait after a collision with another writer; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(32);

/// How long one batch may take: longer than every bound inside it, so that only a connection that hangs meets this one.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a part of a batch that was halved is tried: few times, so that entries whose rows somebody holds leave
/// time for those behind them.
const ATTEMPTS_OF_A_PART: u32 = 6;

/// The queue in front of the writer; cheap to clone.
#[derive(Clone)]
pub struct StockWriter {
    batcher: Batcher<Entry, Outcome>,
}

impl StockWriter {
    /// Starts the writer. The handle resolves once every clone of the queue is gone and what it held is written.
    pub fn start(
        settings: LedgerSettings,
        ledger: Ledger,
        products: Products,
        locations: Locations,
    ) -> (Self, JoinHandle<()>) {
        let limits = BatchLimits {
            queue: settings.queue,
            entries: settings.batch_entries,
            weight: settings.batch_lines,
            // Two writers on the same products would only collide.
            overlap: None,
            patience: PATIENCE,
        };
        let writing = Arc::new(Writing { ledger, products, locations, settings });
        let write = move |entries| {
            let writing = writing.clone();
            async move { writing.write(entries).await }
        };
        let (batcher, writer) = Batcher::start("stock", limits, Entry::weight, write);
        (Self { batcher }, writer)
    }

    /// Queues one entry and waits until it is durable.
    pub async fn post(&self, entry: Entry) -> Outcome {
        let unavailable = entry.unavailable();
        self.batcher.submit(entry).await.unwrap_or_else(|cause| {
            self.tell(cause);
            unavailable
        })
    }

    /// Queues the entries of one call in their order and answers each.
    pub async fn post_orders(&self, entries: Vec<LedgerEntry>) -> Vec<LedgerOutcome> {
        let posted = self.batcher.submit_all(entries.into_iter().map(Entry::Order).collect()).await;
        let unavailable = LedgerOutcome::Failed { code: LedgerFailure::Unavailable };
        let of_an_order = |posted| match posted {
            Ok(Outcome::Order(outcome)) => outcome,
            Ok(Outcome::Stock(_) | Outcome::Hold(_)) => unavailable.clone(),
            Err(cause) => {
                self.tell(cause);
                unavailable.clone()
            }
        };
        let outcomes: Vec<_> = posted.into_iter().map(of_an_order).collect();
        metrics::answered(&outcomes);
        outcomes
    }

    fn tell(&self, cause: NotBatched) {
        tracing::warn!(%cause, queued = self.batcher.queued(), "an entry was not written");
    }
}

struct Writing {
    ledger: Ledger,
    products: Products,
    locations: Locations,
    settings: LedgerSettings,
}

impl Writing {
    /// Writes a batch whole; where that cannot be done, its halves; an entry that still fails, fails alone.
    async fn write(&self, entries: Vec<Entry>) -> Vec<Outcome> {
        let deadline = Instant::now() + Duration::from_millis(self.settings.write_budget_ms);
        let mut outcomes = Vec::with_capacity(entries.len());
        let (mut waiting, mut attempts) = (vec![entries], self.settings.attempts);
        while let Some(mut batch) = waiting.pop() {
            let failure = match self.write_batch(&batch, attempts, deadline).await {
                Ok(posted) => {
                    // Before anybody is answered, so that they see what they did.
                    self.products.forget(&Vec::from_iter(posted.products)).await;
                    outcomes.extend(posted.outcomes);
                    continue;
                }
                Err(failure) => failure,
            };
            let is_hopeless = matches!(failure, PostError::Unavailable(_)) || Instant::now() >= deadline;
            if batch.len() > 1 && !is_hopeless {
                let second = batch.split_off(batch.len() / 2);
                waiting.push(second);
                waiting.push(batch);
                attempts = ATTEMPTS_OF_A_PART;
                continue;
            }
            let cause = format!("{:#}", anyhow::Error::from(failure));
            tracing::error!(entries = batch.len(), cause, "stock was not written");
            // Or it was, and only the answer was lost.
            self.products.forget(&batch.iter().flat_map(Entry::products).collect::<Vec<_>>()).await;
            outcomes.extend(batch.iter().map(Entry::unavailable));
        }
        outcomes
    }

    /// Repeats a batch as long as it merely collides: it is idempotent by the identities of its movements. It spends
    /// at most half of the time that is left, so that those behind it have theirs.
    async fn write_batch(
        &self,
        batch: &[Entry],
        attempts: u32,
        deadline: Instant,
    ) -> Result<Posted, PostError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(PostError::OutOfTime);
        }
        let last_try = Instant::now() + left / 2;
        let offers = self.offers(batch).await?;
        let named: Vec<_> = batch.iter().flat_map(Entry::locations).collect();
        let places = self.locations.places(&named).await.map_err(PostError::Unavailable)?;
        let terms = || Terms { offers: &offers, places: &places, at: Timestamp::now() };
        let (mut wait, mut lookup) = (FIRST_WAIT, Lookup::Likely);
        for _ in 1..attempts {
            match self.ledger.post(batch, terms(), lookup, deadline).await {
                Err(PostError::Conflict(_) | PostError::Moved) if Instant::now() + wait < last_try => {}
                posted => return posted,
            }
            tokio::time::sleep(jitter(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            lookup = Lookup::All;
        }
        self.ledger.post(batch, terms(), Lookup::All, deadline).await
    }

    /// Read outside the transaction: a price that changes meanwhile makes no conflict.
    async fn offers(&self, batch: &[Entry]) -> Result<Offers, PostError> {
        let mut ids = BTreeSet::<ProductId>::new();
        for entry in batch {
            if let Entry::Order(LedgerEntry::Reserve { lines, .. })
            | Entry::Hold(HoldEntry { wish: HoldWish::Keep { lines, .. }, .. }) = entry
            {
                ids.extend(lines.iter().map(|line| line.product_id));
            }
        }
        self.products.offers(ids).await.map_err(|failure| match failure {
            StoreError::Unavailable(_) => PostError::Unavailable(failure),
            // One product that cannot be read: the batch is halved until it fails alone.
            StoreError::Broken(_) | StoreError::Corrupt(_) => PostError::Broken(failure),
        })
    }
}
