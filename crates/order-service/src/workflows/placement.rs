//! The three batched writes of a placement: recording, reserving and settling.

use crate::clients::ledger::Ledger;
use crate::config::PlacingSettings;
use crate::domain::moves::{Cause, Event, Hand, MoveError, apply};
use crate::domain::order::Order;
use crate::store::orders::{Orders, Recorded, Swap};
use common::batch::{BatchLimits, Batcher, NotBatched};
use common::fault::{self, Point};
use common::ids::{MovementId, OrderId};
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome};
use common::models::order::RequestedLine;
use common::time::Timestamp;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Who settles orders, in their history.
pub const ACTOR: &str = "order-service";

/// How long one batched write may take: longer than every bound inside it, so that only a connection that hangs meets
/// this one.
const PATIENCE: Duration = Duration::from_secs(15);

/// The tasks that write, which end once every handle of [`Placement`] is gone and their queues are empty.
pub type Writers = Vec<JoinHandle<()>>;

/// The three batched writes of a placement.
pub struct Placement {
    pub(super) recording: Batcher<Order, Recorded>,
    reserving: Batcher<LedgerEntry, LedgerOutcome>,
    settling: Batcher<Swap, bool>,
}

impl Placement {
    /// Starts the writers.
    pub fn start(settings: &PlacingSettings, orders: Orders, ledger: Ledger) -> (Self, Writers) {
        let limits = BatchLimits {
            queue: settings.queue,
            entries: settings.batch_orders,
            weight: settings.batch_lines,
            patience: PATIENCE,
        };
        let (recorder, settler) = (orders.clone(), orders);
        let (recording, recorder_task) =
            Batcher::start("record orders", limits, weigh_order, move |orders: Vec<Order>| {
                let recorder = recorder.clone();
                async move {
                    fault::point(Point::BeforeRecord);
                    let recorded = recorder.record(&orders).await;
                    fault::point(Point::AfterRecord);
                    recorded
                }
            });
        let (reserving, reserver_task) =
            Batcher::start("reserve stock", limits, weigh_entry, move |entries: Vec<LedgerEntry>| {
                let ledger = ledger.clone();
                async move { reserve_batch(&ledger, entries).await }
            });
        let (settling, settler_task) =
            Batcher::start("settle orders", limits, weigh_swap, move |swaps: Vec<Swap>| {
                let settler = settler.clone();
                async move { settle_batch(&settler, swaps).await }
            });
        (Self { recording, reserving, settling }, vec![recorder_task, reserver_task, settler_task])
    }

    /// Asks the ledger to decide this order.
    pub async fn reserve(&self, order: &Order) -> Result<LedgerOutcome, NotBatched> {
        self.reserving
            .submit(LedgerEntry::Reserve {
                id: order.id.reservation(),
                order_id: order.id,
                lines: order.requested_lines(),
                hold_id: order.hold_id,
            })
            .await
    }

    /// Asks the ledger for what an edit needs more.
    pub async fn reserve_more(
        &self,
        id: MovementId,
        order_id: OrderId,
        lines: Vec<RequestedLine>,
    ) -> Result<LedgerOutcome, NotBatched> {
        self.reserving.submit(LedgerEntry::Reserve { id, order_id, lines, hold_id: None }).await
    }

    /// Tells the order what the ledger decided. `None` where someone else changed the order meanwhile.
    pub async fn settle(&self, order: &Order, event: Event) -> Result<Option<Order>, SettleError> {
        let settled = apply(order, event, &Cause::new(ACTOR, Hand::Staff, Timestamp::now()))?;
        let swap = Swap { from_version: order.version, to: settled };
        let to = swap.to.clone();
        let changed = self.settling.submit(swap).await?;
        Ok(changed.then_some(to))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error(transparent)]
    Move(#[from] MoveError),
    #[error(transparent)]
    NotBatched(#[from] NotBatched),
}

fn weigh_order(order: &Order) -> usize {
    order.lines.len()
}

fn weigh_entry(entry: &LedgerEntry) -> usize {
    entry.lines().len()
}

fn weigh_swap(swap: &Swap) -> usize {
    swap.to.lines.len()
}

async fn reserve_batch(ledger: &Ledger, entries: Vec<LedgerEntry>) -> Vec<LedgerOutcome> {
    let count = entries.len();
    fault::point(Point::BeforeReserve);
    let posted = ledger.post(entries).await;
    fault::point(Point::AfterReserve);
    match posted {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::warn!(%error, orders = count, "orders not decided");
            vec![LedgerOutcome::Failed { code: LedgerFailure::Unavailable }; count]
        }
    }
}

async fn settle_batch(orders: &Orders, swaps: Vec<Swap>) -> Vec<bool> {
    fault::point(Point::BeforeSettle);
    let swapped = orders.swap(&swaps).await;
    fault::point(Point::AfterSettle);
    match swapped {
        Ok(changed) => swaps.iter().map(|swap| changed.contains(&swap.to.id)).collect(),
        Err(error) => {
            tracing::warn!(%error, orders = swaps.len(), "orders not settled");
            vec![false; swaps.len()]
        }
    }
}

/// What the ledger's answer means for the order.
pub fn event_of(outcome: LedgerOutcome) -> Option<Event> {
    match outcome {
        LedgerOutcome::Reserved { currency, items } => Some(Event::Reserved { currency, items }),
        LedgerOutcome::Refused { reasons } => Some(Event::Refused { reasons }),
        LedgerOutcome::Applied | LedgerOutcome::Failed { .. } => None,
    }
}
