//! Changing an order: it changes first and owes the effects on stock in the same write; they are delivered afterwards.

use super::check_location::check_location;
use super::edit_order;
use crate::domain::moves::{Cause, Event, Hand, MoveError, apply};
use crate::domain::order::{Change, EffectKind, Fingerprint, Order, Request};
use crate::startup::AppState;
use crate::store::orders::Swap;
use common::auth::caller::Caller;
use common::context;
use common::fault::{self, Point};
use common::http::idempotency::IdempotencyKey;
use common::http::peer::PeerError;
use common::ids::OrderId;
use common::models::auth::Scope;
use common::models::location::LocationId;
use common::models::order_change::OrderMove;
use common::mongo::{StoreError, jitter};
use common::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How often a change is tried again on an order that others change at the same time.
pub const TRIES: u32 = 8;

/// Pause before an order that someone else has just changed is read again.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such order, or it is someone else's.
    #[error("there is no such order")]
    NotFound,
    /// The order is not at the version that the client read.
    #[error("the order is at version {0}")]
    VersionMismatch(i64),
    #[error("the key was used for another request")]
    KeyReused,
    /// Others kept changing the order.
    #[error("the order is being changed by others")]
    Contended,
    /// The edit is recorded and its stock is not decided: the same request finds out, or the sweeper does.
    #[error("an edit of order {order_id} is not settled: {cause}")]
    Unsettled { order_id: OrderId, cause: String },
    #[error("names no location of the shop")]
    UnknownLocation,
    /// The stock there does not allow what the parcel or the return would do.
    #[error("{location_id} cannot do this {kind:?}")]
    LocationRefuses { kind: EffectKind, location_id: LocationId },
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Move(#[from] MoveError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the client asked for.
#[derive(Clone, Debug)]
pub struct ChangeRequest {
    pub order_id: OrderId,
    pub event: Event,
    pub note: Option<String>,
    pub key: Option<IdempotencyKey>,
    /// Of what the request says beside its move, its order and its key.
    pub asked: Fingerprint,
    /// The version that the order must have.
    pub if_version: Option<i64>,
}

/// A changed order.
#[derive(Debug)]
pub struct Changed {
    pub order: Order,
    /// What the request did; others may have changed the order since.
    pub change: Change,
    /// Whether an earlier request with this key did it.
    pub replayed: bool,
}

impl Changed {
    /// By this request, just now.
    pub fn now(order: Order, change: Change) -> Self {
        Self { order, change, replayed: false }
    }
}

/// Applies what the client asked for, once for each key.
pub async fn change_order(
    state: &Arc<AppState>,
    caller: &Caller,
    request: ChangeRequest,
) -> Result<Changed, ChangeError> {
    let keyed = identify(caller, &request);
    for tried in 0..TRIES {
        if tried > 0 {
            tokio::time::sleep(jitter(PAUSE * tried)).await;
        }
        let order = state.orders.find_surely(request.order_id).await?.ok_or(ChangeError::NotFound)?;
        let hand = hand_of(caller, &order)?;
        if let Some(keyed) = keyed {
            if let Some(change) = find_earlier(&order, keyed, &request)? {
                return Ok(Changed { change, order, replayed: true });
            }
            if edit_order::is_waiting(&order, keyed)? {
                return edit_order::decide(state, order).await;
            }
        }
        if request.if_version.is_some_and(|version| version != order.version) {
            return Err(ChangeError::VersionMismatch(order.version));
        }
        let cause = Cause {
            at: Timestamp::now(),
            actor: caller.actor().to_string(),
            hand,
            note: request.note.clone(),
            request: keyed,
        };
        let changed = match apply(&order, request.event.clone(), &cause) {
            Err(MoveError::EditPending) => {
                // Whoever began the edit may be gone; its outcome is the same whoever settles it.
                edit_order::decide(state, order).await?;
                continue;
            }
            changed => changed?,
        };
        check_location(state, &order, &changed).await?;
        if !write(state, &order, &changed).await? {
            continue;
        }
        if changed.edit.is_some() && order.edit.is_none() {
            return edit_order::decide(state, changed).await;
        }
        let change = changed.history.last().cloned().ok_or(ChangeError::Contended)?;
        return Ok(Changed::now(changed, change));
    }
    Err(ChangeError::Contended)
}

/// Writes a change, unless someone else was quicker, and sends off what it owes.
pub async fn write(state: &Arc<AppState>, from: &Order, to: &Order) -> Result<bool, StoreError> {
    let swap = Swap { from_version: from.version, to: to.clone() };
    fault::point(Point::BeforeChange);
    let changed = state.orders.swap(&[swap]).await?;
    fault::point(Point::AfterChange);
    if !changed.contains(&to.id) {
        return Ok(false);
    }
    let owed: Vec<_> = to.effects_due().map(|effect| (to.id, effect.clone())).collect();
    if !owed.is_empty() {
        // The client need not wait for it, and the sweeper repeats what fails here.
        let state = state.clone();
        context::spawn(async move { state.delivery.deliver(owed.into_iter()).await });
    }
    Ok(true)
}

/// Staff by their scope; else only the customer whose order it is.
fn hand_of(caller: &Caller, order: &Order) -> Result<Hand, ChangeError> {
    if caller.holds(Scope::OrdersWrite) {
        Ok(Hand::Staff)
    } else if caller.is(order.customer_id) {
        Ok(Hand::Customer)
    } else {
        Err(ChangeError::NotFound)
    }
}

/// Whose request it is, where it carries a key.
fn identify(caller: &Caller, request: &ChangeRequest) -> Option<Request> {
    let (key, asked) = (request.key.as_ref()?, request.event.asked()?);
    let id = Fingerprint::derived(&[
        name(asked),
        request.order_id.as_bytes(),
        caller.actor().as_bytes(),
        key.as_bytes(),
    ]);
    Some(Request { id, asked: request.asked })
}

/// The operation that a key belongs to; what stands here stands in stored orders.
const fn name(asked: OrderMove) -> &'static [u8] {
    match asked {
        OrderMove::Cancel => b"cancel order",
        OrderMove::Edit => b"edit order",
        OrderMove::Ship => b"ship order",
        OrderMove::Deliver => b"deliver fulfillment",
        OrderMove::RequestReturn => b"request return",
        OrderMove::ApproveReturn => b"approve return",
        OrderMove::DeclineReturn => b"decline return",
        OrderMove::ReceiveReturn => b"receive return",
        OrderMove::Hold => b"hold order",
        OrderMove::Release => b"release order",
        OrderMove::Note => b"note on order",
        OrderMove::Tag => b"tag order",
    }
}

/// What an earlier request with this key did.
fn find_earlier(
    order: &Order,
    keyed: Request,
    request: &ChangeRequest,
) -> Result<Option<Change>, ChangeError> {
    let Some(earlier) = order.history.iter().find(|change| change.request == Some(keyed.id)) else {
        return Ok(None);
    };
    // Cancellations of long ago keep only their reason.
    let is_equal = earlier.asked.map_or(earlier.note == request.note, |asked| asked == keyed.asked);
    if is_equal { Ok(Some(earlier.clone())) } else { Err(ChangeError::KeyReused) }
}
