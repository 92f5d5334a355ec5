//! product-service's stock ledger: many entries in one call, each of which can be repeated for ever.

use common::context::{self, Context};
use common::http::peer::{Peer, PeerError};
use common::models::ledger::{LedgerAnswer, LedgerBatch, LedgerEntry, LedgerForecast, LedgerOutcome};
use common::models::quote::{StockQuestion, StockQuote};
use common::mongo::jitter;
use std::time::{Duration, Instant};

/// How long all tries of one call may take together: less than a request's five seconds, so that its client hears 503
/// from us and not from the gateway's time-out.
const BUDGET: Duration = Duration::from_secs(4);

/// Tries of one call.
const TRIES: u32 = 3;

#[derive(Clone)]
pub struct Ledger {
    peer: Peer,
}

impl Ledger {
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// One outcome for each entry, in their order. Entries are idempotent by their identity, so that a lost answer is
    /// simply asked for again.
    pub async fn post(&self, entries: Vec<LedgerEntry>) -> Result<Vec<LedgerOutcome>, PeerError> {
        let expected = entries.len();
        let batch = LedgerBatch { entries };
        // Not by the deadline of one of the requests that are in the batch, but under its identity.
        let deadline = Instant::now() + BUDGET;
        let own = Context { deadline, ..context::current().unwrap_or_else(|| Context::background(BUDGET)) };
        let answer = context::scope(own, self.post_with_retries(&batch)).await?;
        if answer.outcomes.len() != expected {
            let cause = format!("{} outcomes for {expected} entries", answer.outcomes.len());
            return Err(PeerError::Broken { peer: "product-service", cause });
        }
        Ok(answer.outcomes)
    }

    /// What these effects would come to now. `None` where product-service is of the version before, which cannot tell.
    pub async fn forecast(&self, entries: Vec<LedgerEntry>) -> Result<Option<LedgerForecast>, PeerError> {
        match self.peer.post("/internal/ledger/forecast", &LedgerBatch { entries }).await {
            Ok(forecast) => Ok(Some(forecast)),
            Err(PeerError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a reservation would come to at this moment; writes nothing.
    pub async fn quote(&self, question: &StockQuestion) -> Result<StockQuote, PeerError> {
        self.peer.post("/internal/quote", question).await
    }

    async fn post_with_retries(&self, batch: &LedgerBatch) -> Result<LedgerAnswer, PeerError> {
        let mut wait = Duration::from_millis(50);
        for _ in 1..TRIES {
            match self.peer.post("/internal/ledger", batch).await {
                Err(PeerError::Unavailable { .. }) if context::time_left(BUDGET) > wait * 2 => {
                    tokio::time::sleep(jitter(wait)).await;
                    wait *= 2;
                }
                answer => return answer,
            }
        }
        self.peer.post("/internal/ledger", batch).await
    }
}
