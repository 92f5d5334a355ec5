//! Placing an order: recorded first, decided by its reservation, then told the outcome.
//!
//! Every step may be repeated by anyone, at any time, after any crash: the order's identity makes recording idempotent,
//! the ledger answers what it recorded for that identity, and settling is a compare-and-swap.

use crate::clients::ledger::Ledger;
use crate::config::PlacingSettings;
use crate::domain::draft::OrderDraft;
use crate::domain::moves::{Cause, Event, Hand, MoveError, apply};
use crate::domain::order::Order;
use crate::startup::AppState;
use crate::store::orders::{Orders, Recorded, Swap};
use common::auth::caller::{Caller, Person};
use common::batch::{BatchLimits, Batcher, NotBatched};
use common::context;
use common::fault::{self, Point};
use common::http::idempotency::IdempotencyKey;
use common::http::peer::PeerError;
use common::ids::{AddressId, CustomerId, MovementId, OrderId};
use common::models::address::PostalAddress;
use common::models::customer::CustomerStatus;
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome};
use common::models::order::{OrderStatus, RequestedLine};
use common::mongo::jitter;
use common::time::Timestamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Who settles orders, in their history.
pub const ACTOR: &str = "order-service";

/// How young a token must be to prove by itself that its account is active, in seconds.
const FRESH_S: i64 = 30;

/// How long one batched write may take: longer than every bound inside it, so that only a connection that hangs meets
/// this one.
const PATIENCE: Duration = Duration::from_secs(15);

/// Pause before an order that is in someone else's hands is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// An order that is settled, and whether it was before this request.
#[derive(Debug)]
pub struct Placed {
    pub order: Order,
    pub replayed: bool,
}

/// Why an order was not placed, or why nobody knows yet.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("there is no such customer")]
    UnknownCustomer,
    #[error("is none of the customer's addresses")]
    UnknownAddress { field: &'static str },
    #[error("the customer is deactivated")]
    InactiveCustomer,
    /// The caller logged out, or was deactivated, after the token was issued.
    #[error("the caller's token is no longer good")]
    TokenRevoked,
    #[error("the key was used for another request")]
    KeyReused,
    /// Another order of the shop has this external id.
    #[error("order {order_id} has this external id")]
    ExternalIdTaken { order_id: OrderId },
    /// Too much is waiting; nothing was written for this order.
    #[error("too many orders are waiting")]
    Busy,
    /// The order may be recorded; the same request finds out.
    #[error("order {order_id} is not settled: {cause}")]
    Unsettled { order_id: OrderId, cause: String },
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// The tasks that write, which end once every handle of [`Placement`] is gone and their queues are empty.
pub type Writers = Vec<JoinHandle<()>>;

/// The three batched writes of a placement.
pub struct Placement {
    recording: Batcher<Order, Recorded>,
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

/// Places an order, or finds the one that an earlier request with this key placed.
pub async fn place_order(
    state: &AppState,
    caller: &Caller,
    draft: OrderDraft,
    id: OrderId,
) -> Result<Placed, PlaceError> {
    check_customer(state, caller, &draft).await?;
    let fingerprint = draft.fingerprint();
    let addresses = look_up_addresses(state, &draft, id).await?;
    let is_recorded = addresses.is_none();
    let (actor, now) = (caller.actor().to_string(), Timestamp::now());
    let pending = draft.into_pending(id, actor, now, &addresses.unwrap_or_default());
    let mut order = pending.clone();
    let mut recorded =
        if is_recorded { Recorded::AlreadyThere } else { record(state, pending.clone()).await? };
    loop {
        if recorded != Recorded::New {
            let found = state.orders.find(id).await;
            let found =
                found.map_err(|cause| PlaceError::Unsettled { order_id: id, cause: cause.to_string() })?;
            let Some(found) = found else {
                check_external_id(state, &pending).await?;
                // Whoever wrote it has no majority yet, or lost it: write it again.
                wait_before_looking_again(id)?.await;
                recorded = record(state, pending.clone()).await?;
                continue;
            };
            if found.fingerprint != fingerprint {
                return Err(PlaceError::KeyReused);
            }
            if found.status != OrderStatus::Pending {
                return Ok(Placed { order: found, replayed: true });
            }
            order = found;
        }
        if let Some(settled) = decide(state, &order).await? {
            fault::point(Point::BeforeAnswer);
            return Ok(Placed { order: settled, replayed: false });
        }
        // Someone else settled it, or the database did not answer for certain: read what a majority has.
        wait_before_looking_again(id)?.await;
        recorded = Recorded::AlreadyThere;
    }
}

/// The customer exists and is active, and so is who orders for them: a fresh token says so of its bearer, else
/// customer-service is asked.
pub(super) async fn check_customer(
    state: &AppState,
    caller: &Caller,
    draft: &OrderDraft,
) -> Result<(), PlaceError> {
    let customer = draft.customer_id();
    if let Caller::Person(person) = caller {
        if person.is_fresh(FRESH_S) {
            if person.customer_id == customer {
                return Ok(());
            }
        } else {
            check_token(state, person, customer).await?;
        }
    }
    match state.customers.standing(customer).await?.map(|standing| standing.status) {
        Some(CustomerStatus::Active) => Ok(()),
        Some(CustomerStatus::Deactivated) => Err(PlaceError::InactiveCustomer),
        None => Err(PlaceError::UnknownCustomer),
    }
}

/// A token that is not fresh may be of someone who was deactivated or has logged out since.
async fn check_token(state: &AppState, person: &Person, customer: CustomerId) -> Result<(), PlaceError> {
    let Some(standing) = state.customers.standing(person.customer_id).await? else {
        return Err(PlaceError::TokenRevoked);
    };
    let is_another = person.customer_id != customer;
    let is_deactivated = standing.status != CustomerStatus::Active;
    if !standing.accepts(person.session_id, person.issued_at_s) || (is_another && is_deactivated) {
        return Err(PlaceError::TokenRevoked);
    }
    Ok(())
}

/// What is to be copied of the addresses that the request names; `None` where the order is there already, with its
/// copies. An order that names none asks nobody.
pub(super) async fn look_up_addresses(
    state: &AppState,
    draft: &OrderDraft,
    id: OrderId,
) -> Result<Option<HashMap<AddressId, PostalAddress>>, PlaceError> {
    let mut known = HashMap::new();
    if draft.named_addresses().next().is_none() {
        return Ok(Some(known));
    }
    // A repeat finds its order, whatever has become of the address since.
    let found = state.orders.find(id).await;
    let found = found.map_err(|cause| PlaceError::Unsettled { order_id: id, cause: cause.to_string() })?;
    if found.is_some() {
        return Ok(None);
    }
    for (field, address_id) in draft.named_addresses() {
        if let Entry::Vacant(unknown) = known.entry(address_id) {
            let address = state.customers.address(draft.customer_id(), address_id).await?;
            unknown.insert(address.ok_or(PlaceError::UnknownAddress { field })?);
        }
    }
    Ok(Some(known))
}

async fn record(state: &AppState, order: Order) -> Result<Recorded, PlaceError> {
    let order_id = order.id;
    match state.placement.recording.submit(order).await {
        Ok(Recorded::Unknown) => {
            Err(PlaceError::Unsettled { order_id, cause: "recording it has no answer".into() })
        }
        Ok(recorded) => Ok(recorded),
        Err(NotBatched::QueueFull | NotBatched::Stopping) => Err(PlaceError::Busy),
        Err(failed @ NotBatched::BatchFailed) => {
            Err(PlaceError::Unsettled { order_id, cause: failed.to_string() })
        }
    }
}

/// What was refused for being there already, and is not, may share its external id with another order.
pub(super) async fn check_external_id(state: &AppState, order: &Order) -> Result<(), PlaceError> {
    let Some(external_id) = &order.external_id else { return Ok(()) };
    let taken = state.orders.find_by_external_id(external_id).await;
    let taken =
        taken.map_err(|cause| PlaceError::Unsettled { order_id: order.id, cause: cause.to_string() })?;
    match taken {
        Some(other) if other != order.id => Err(PlaceError::ExternalIdTaken { order_id: other }),
        _ => Ok(()),
    }
}

/// Reserves and settles. `None` where the order was changed by someone else meanwhile.
async fn decide(state: &AppState, order: &Order) -> Result<Option<Order>, PlaceError> {
    let unsettled = |cause: String| PlaceError::Unsettled { order_id: order.id, cause };
    let outcome = state.placement.reserve(order).await.map_err(|failed| unsettled(failed.to_string()))?;
    let event = event_of(outcome).ok_or_else(|| unsettled("the ledger has no answer".into()))?;
    state.placement.settle(order, event).await.map_err(|failed| unsettled(failed.to_string()))
}

/// A pause, unless the caller has stopped waiting: then whoever comes next, or the sweeper, settles the order.
fn wait_before_looking_again(order_id: OrderId) -> Result<impl Future<Output = ()>, PlaceError> {
    if context::time_left(LOOK_AGAIN * 2) <= LOOK_AGAIN {
        return Err(PlaceError::Unsettled { order_id, cause: "the deadline passed".into() });
    }
    Ok(tokio::time::sleep(jitter(LOOK_AGAIN)))
}

/// The order's identity for this request.
pub fn identify(draft: &OrderDraft, key: Option<&IdempotencyKey>) -> OrderId {
    draft.order_id(key.map(IdempotencyKey::as_bytes))
}
