//! Cancelling: the order changes first and owes the release of its stock in the same write.

use super::deliver_effects::deliver_effects;
use crate::domain::moves::{Event, MoveError, apply};
use crate::domain::order::{Fingerprint, Order};
use crate::startup::AppState;
use crate::store::orders::Swap;
use common::auth::caller::Caller;
use common::context;
use common::http::idempotency::IdempotencyKey;
use common::ids::OrderId;
use common::models::auth::Scope;
use common::mongo::StoreError;
use common::time::Timestamp;
use std::sync::Arc;

/// How often a change is tried again on an order that others change at the same time.
const TRIES: u32 = 5;

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
    #[error(transparent)]
    Move(#[from] MoveError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the client asked for.
#[derive(Clone, Debug)]
pub struct CancelRequest {
    pub order_id: OrderId,
    pub reason: Option<String>,
    pub key: Option<IdempotencyKey>,
    /// The version that the order must have.
    pub if_version: Option<i64>,
}

/// The cancelled order, and whether an earlier request with this key cancelled it.
pub async fn cancel_order(
    state: &Arc<AppState>,
    caller: &Caller,
    request: CancelRequest,
) -> Result<(Order, bool), ChangeError> {
    let fingerprint = request.key.as_ref().map(|key| {
        Fingerprint::derived(&[
            b"cancel order",
            request.order_id.as_bytes(),
            caller.actor().as_bytes(),
            key.as_bytes(),
        ])
    });
    for _ in 0..TRIES {
        let order = state.orders.find(request.order_id).await?.ok_or(ChangeError::NotFound)?;
        if !caller.may_act_for(order.customer_id, Scope::OrdersWrite) {
            return Err(ChangeError::NotFound);
        }
        if let Some(earlier) =
            order.history.iter().find(|change| fingerprint.is_some() && change.request == fingerprint)
        {
            return if earlier.note == request.reason {
                Ok((order, true))
            } else {
                Err(ChangeError::KeyReused)
            };
        }
        if request.if_version.is_some_and(|version| version != order.version) {
            return Err(ChangeError::VersionMismatch(order.version));
        }
        let event = Event::Cancel { reason: request.reason.clone(), request: fingerprint };
        let cancelled = apply(&order, event, &caller.actor().to_string(), Timestamp::now())?;
        let swap = Swap { from_version: order.version, to: cancelled.clone() };
        if state.orders.swap(&[swap]).await?.contains(&order.id) {
            // The client need not wait for it, and the sweeper repeats what fails here.
            let (state, order) = (state.clone(), cancelled.clone());
            context::spawn(async move { deliver_effects(&state, &[order]).await });
            return Ok((cancelled, false));
        }
    }
    Err(ChangeError::Contended)
}
