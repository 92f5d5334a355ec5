//! Delivering what orders owe the stock ledger: by identity, so that a repeat is a no-op, then marked as done.

use super::rarely::Rarely;
use crate::clients::ledger::Ledger;
use crate::config::PlacingSettings;
use crate::domain::order::{Effect, EffectKind, EffectState};
use crate::store::orders::Orders;
use common::batch::{BatchLimits, Batcher};
use common::fault::{self, Point};
use common::ids::{MovementId, OrderId};
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome, MAX_BATCH_LINES, MAX_ENTRIES};
use quick_cache::sync::Cache;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long one batch may take: longer than every bound inside it.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long an effect that contradicts the ledger is left alone: what it needs may be delivered meanwhile.
const REST: Duration = Duration::from_secs(60);

/// Most effects that are left alone at a time.
const RESTING: usize = 10_000;

/// An effect that an order owes.
#[derive(Clone, Debug)]
pub struct Due {
    pub order_id: OrderId,
    pub effect: Effect,
}

/// The queue of effects on their way to the ledger, with one writer behind it.
pub struct Delivery {
    queue: Batcher<Due, ()>,
    courier: Arc<Courier>,
}

impl Delivery {
    /// Starts the writer.
    pub fn start(settings: &PlacingSettings, orders: Orders, ledger: Ledger) -> (Self, JoinHandle<()>) {
        let limits = BatchLimits {
            queue: settings.queue,
            entries: MAX_ENTRIES,
            weight: MAX_BATCH_LINES,
            overlap: None,
            patience: PATIENCE,
        };
        let courier = Arc::new(Courier { orders, ledger, resting: Cache::new(RESTING), said: Rarely::new() });
        let writer = courier.clone();
        let weigh: fn(&Due) -> usize = |due| due.effect.lines.len();
        let (queue, task) = Batcher::start("deliver effects", limits, weigh, move |due: Vec<Due>| {
            let courier = writer.clone();
            async move {
                let count = due.len();
                courier.deliver(due).await;
                vec![(); count]
            }
        });
        (Self { queue, courier }, task)
    }

    /// Delivers what these orders owe, in its order, and waits until it was tried. What fails, and what finds the queue
    /// full, stays due.
    pub async fn deliver(&self, owed: impl Iterator<Item = (OrderId, Effect)>) {
        let due = owed
            .filter(|(_, effect)| effect.state == EffectState::Due && !self.courier.is_resting(effect.id))
            .map(|(order_id, effect)| Due { order_id, effect });
        let unanswered =
            self.queue.submit_all(due.collect()).await.into_iter().filter_map(Result::err).count();
        if unanswered > 0 {
            tracing::warn!(effects = unanswered, "effects stay due: the queue is full or its batch failed");
        }
    }
}

/// Carries batches of effects.
struct Courier {
    orders: Orders,
    ledger: Ledger,
    /// When an effect contradicted the ledger.
    resting: Cache<MovementId, Instant>,
    said: Rarely<MovementId>,
}

impl Courier {
    fn is_resting(&self, effect: MovementId) -> bool {
        self.resting.get(&effect).is_some_and(|since| since.elapsed() < REST)
    }

    async fn deliver(&self, mut due: Vec<Due>) {
        // The sweeper may have found one that its own request is delivering.
        let mut once = HashSet::with_capacity(due.len());
        due.retain(|due| once.insert(due.effect.id));
        let entries = due.iter().map(|due| entry(due.order_id, &due.effect)).collect();
        fault::point(Point::BeforeDeliver);
        let posted = self.ledger.post(entries).await;
        fault::point(Point::AfterDeliver);
        let outcomes = match posted {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::warn!(%error, effects = due.len(), "effects stay due");
                return;
            }
        };
        let mut done = Vec::with_capacity(due.len());
        for (Due { order_id, effect }, outcome) in due.into_iter().zip(outcomes) {
            match outcome {
                LedgerOutcome::Applied => done.push((order_id, effect.id)),
                LedgerOutcome::Failed { code: LedgerFailure::Unavailable } => {}
                other => {
                    self.resting.insert(effect.id, Instant::now());
                    if self.said.may_say(effect.id) {
                        tracing::error!(%order_id, effect_id = %effect.id, outcome = ?other, "an effect stays due");
                    }
                }
            }
        }
        if done.is_empty() {
            return;
        }
        fault::point(Point::BeforeMarkDone);
        if let Err(error) = self.orders.mark_done(&done).await {
            tracing::warn!(%error, effects = done.len(), "effects delivered but not marked");
        }
        fault::point(Point::AfterMarkDone);
    }
}

/// What the ledger is told of an effect.
pub(super) fn entry(order_id: OrderId, effect: &Effect) -> LedgerEntry {
    let Effect { id, kind, lines, location_id, .. } = effect.clone();
    match kind {
        EffectKind::Release => LedgerEntry::Release { id, order_id, lines },
        EffectKind::Shipment => LedgerEntry::Ship { id, order_id, lines, location_id },
        EffectKind::Return => LedgerEntry::Return { id, order_id, lines, location_id },
    }
}
