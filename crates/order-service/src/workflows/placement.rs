//! The writes of a placement, each for a batch of orders at once: recording, reserving, settling.
//!
//! New orders go through all three as one batch: whatever is recorded would only wait for the reservation before it, and
//! every write of a smaller batch costs as much again. What others left half-way is reserved and settled in batches of its
//! own.

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

/// How long one batch may take before another begins beside it: longer than every bound of one of its steps, so that
/// nearly always a connection that hangs is what meets this one.
const PATIENCE: Duration = Duration::from_secs(15);

/// The tasks that write, which end once every handle of [`Placement`] is gone and their queues are empty.
pub type Writers = Vec<JoinHandle<()>>;

/// What came of an order that was to be placed.
#[derive(Clone, Debug)]
pub enum Written {
    /// It was recorded, decided and told so.
    Settled(Box<Order>),
    /// There is one with this identity.
    AlreadyThere,
    /// It was decided; what it was told is to be read: somebody else was first, or the database did not answer.
    Decided,
    /// It may be recorded; the sweeper, or the same request again, goes on from there.
    Unsettled(String),
}

/// The batched writes of placements.
pub struct Placement {
    placing: Batcher<Order, Written>,
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
            overlap: None,
            patience: PATIENCE,
        };
        let overlapping = BatchLimits { overlap: Some(settings.overlap_orders), ..limits };
        let (recorder, decider) = (orders.clone(), ledger.clone());
        let (placing, placer_task) =
            Batcher::start("place orders", overlapping, weigh_order, move |batch: Vec<Order>| {
                let (orders, ledger) = (recorder.clone(), decider.clone());
                async move { place_batch(&orders, &ledger, batch).await }
            });
        let (reserving, reserver_task) =
            Batcher::start("reserve stock", limits, weigh_entry, move |entries: Vec<LedgerEntry>| {
                let ledger = ledger.clone();
                async move { reserve_batch(&ledger, entries).await }
            });
        let (settling, settler_task) =
            Batcher::start("settle orders", limits, weigh_swap, move |swaps: Vec<Swap>| {
                let orders = orders.clone();
                async move { settle_batch(&orders, &swaps).await }
            });
        (Self { placing, reserving, settling }, vec![placer_task, reserver_task, settler_task])
    }

    /// Records a pending order, has the ledger decide it and tells it the outcome.
    pub async fn place(&self, pending: Order) -> Result<Written, NotBatched> {
        self.placing.submit(pending).await
    }

    /// Asks the ledger to decide this order.
    pub async fn reserve(&self, order: &Order) -> Result<LedgerOutcome, NotBatched> {
        self.reserving.submit(reservation(order)).await
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
        let swap = settlement(order, event)?;
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

fn reservation(order: &Order) -> LedgerEntry {
    LedgerEntry::Reserve {
        id: order.id.reservation(),
        order_id: order.id,
        lines: order.requested_lines(),
        hold_id: order.hold_id,
    }
}

/// The order as it is once it knows what the ledger decided.
pub(super) fn settlement(order: &Order, event: Event) -> Result<Swap, MoveError> {
    let settled = apply(order, event, &Cause::new(ACTOR, Hand::Staff, Timestamp::now()))?;
    Ok(Swap { from_version: order.version, to: settled })
}

/// Those that this batch recorded are decided and told so; the others are somebody else's, or nobody knows.
async fn place_batch(orders: &Orders, ledger: &Ledger, batch: Vec<Order>) -> Vec<Written> {
    fault::point(Point::BeforeRecord);
    let recorded = orders.record(&batch).await;
    fault::point(Point::AfterRecord);
    let is_new = |(order, recorded)| (recorded == &Recorded::New).then_some(order);
    let entries: Vec<_> = batch.iter().zip(&recorded).filter_map(is_new).map(reservation).collect();
    let mut decisions = reserve_batch(ledger, entries).await.into_iter();
    let mut swaps = Vec::new();
    let mut decide = |(order, recorded): (&Order, &Recorded)| match recorded {
        Recorded::AlreadyThere => Written::AlreadyThere,
        Recorded::Unknown => Written::Unsettled("recording it has no answer".to_owned()),
        Recorded::New => match decisions.next().and_then(event_of).map(|event| settlement(order, event)) {
            Some(Ok(swap)) => {
                swaps.push(swap);
                Written::Decided
            }
            Some(Err(failure)) => Written::Unsettled(failure.to_string()),
            None => Written::Unsettled("the ledger has no answer".to_owned()),
        },
    };
    let written: Vec<Written> = batch.iter().zip(&recorded).map(&mut decide).collect();
    let changed = settle_batch(orders, &swaps).await;
    let mut settled = swaps.into_iter().zip(changed);
    let tell = |written| match written {
        Written::Decided => match settled.next() {
            Some((swap, true)) => Written::Settled(Box::new(swap.to)),
            _ => Written::Decided,
        },
        other => other,
    };
    written.into_iter().map(tell).collect()
}

async fn reserve_batch(ledger: &Ledger, entries: Vec<LedgerEntry>) -> Vec<LedgerOutcome> {
    if entries.is_empty() {
        return Vec::new();
    }
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

async fn settle_batch(orders: &Orders, swaps: &[Swap]) -> Vec<bool> {
    if swaps.is_empty() {
        return Vec::new();
    }
    fault::point(Point::BeforeSettle);
    let swapped = orders.swap(swaps).await;
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
