//! Placing an order: recorded first, decided by its reservation, then told the outcome.
//!
//! Every step may be repeated by anyone, at any time, after any crash: the order's identity makes recording idempotent,
//! the ledger answers what it recorded for that identity, and settling is a compare-and-swap.

use super::placement::{Written, event_of};
use crate::domain::draft::OrderDraft;
use crate::domain::order::Order;
use crate::startup::AppState;
use common::auth::caller::{Caller, Person};
use common::batch::NotBatched;
use common::context;
use common::fault::{self, Point};
use common::http::idempotency::IdempotencyKey;
use common::http::peer::PeerError;
use common::ids::{AddressId, CustomerId, OrderId};
use common::models::address::PostalAddress;
use common::models::customer::CustomerStatus;
use common::models::order::OrderStatus;
use common::mongo::jitter;
use common::time::Timestamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::pin;
use std::time::Duration;

/// How young a token must be to prove by itself that its account is active, in seconds.
const FRESH_S: i64 = 30;

/// Pause before an order that is in someone else's hands is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a repeat waits for its batch before it looks for its order.
const LOOK_BESIDE: Duration = Duration::from_millis(500);

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
    let mut is_recorded = addresses.is_none();
    let (actor, now) = (caller.actor().to_string(), Timestamp::now());
    let pending = draft.into_pending(id, actor, now, &addresses.unwrap_or_default());
    loop {
        if !is_recorded {
            let mut writing = pin!(write(state, pending.clone()));
            let written = match tokio::time::timeout(LOOK_BESIDE, &mut writing).await {
                Ok(written) => written?,
                Err(_) => match find_earlier(state, &pending).await? {
                    Some(order) => return Ok(Placed { order, replayed: true }),
                    None => writing.await?,
                },
            };
            match written {
                Written::Settled(order) => {
                    fault::point(Point::BeforeAnswer);
                    return Ok(Placed { order: *order, replayed: false });
                }
                Written::AlreadyThere => {}
                Written::Decided => wait_before_looking_again(id)?.await,
                Written::Unsettled(cause) => return Err(PlaceError::Unsettled { order_id: id, cause }),
            }
            is_recorded = true;
        }
        let Some(found) = find(state, id).await? else {
            check_external_id(state, &pending).await?;
            // Whoever wrote it has no majority yet, or lost it: write it again.
            wait_before_looking_again(id)?.await;
            is_recorded = false;
            continue;
        };
        if found.fingerprint != fingerprint {
            return Err(PlaceError::KeyReused);
        }
        if found.status != OrderStatus::Pending {
            return Ok(Placed { order: found, replayed: true });
        }
        if let Some(order) = decide(state, &found).await? {
            fault::point(Point::BeforeAnswer);
            return Ok(Placed { order, replayed: false });
        }
        // Someone else settled it, or the database did not answer for certain: read what a majority has.
        wait_before_looking_again(id)?.await;
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
    if find(state, id).await?.is_some() {
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

async fn find(state: &AppState, id: OrderId) -> Result<Option<Order>, PlaceError> {
    let found = state.orders.find(id).await;
    found.map_err(|cause| PlaceError::Unsettled { order_id: id, cause: cause.to_string() })
}

async fn write(state: &AppState, pending: Order) -> Result<Written, PlaceError> {
    let order_id = pending.id;
    state.placement.place(pending).await.map_err(|failed| match failed {
        NotBatched::QueueFull | NotBatched::Stopping => PlaceError::Busy,
        NotBatched::BatchFailed => PlaceError::Unsettled { order_id, cause: failed.to_string() },
    })
}

/// The settled order of an earlier request with this key: it need not wait for the stock of those in its batch.
async fn find_earlier(state: &AppState, pending: &Order) -> Result<Option<Order>, PlaceError> {
    match find(state, pending.id).await? {
        None => check_external_id(state, pending).await.map(|()| None),
        // This request's own: its batch answers.
        Some(found) if found.created_at == pending.created_at => Ok(None),
        Some(found) if found.fingerprint != pending.fingerprint => Err(PlaceError::KeyReused),
        Some(found) => Ok(Some(found).filter(|found| found.status != OrderStatus::Pending)),
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
