//! The moves of an order: one match over (state, event); a wrong one is always an error that names the right ones.

mod annotating;
mod cancelling;
mod editing;
pub mod obstacle;
pub(super) mod quantities;
mod returning;
mod settling;
mod shipping;

use super::order::{Change, EffectState, Order, Request};
use common::ids::{FulfillmentId, MovementId, ReturnId};
use common::models::fulfillment::NewFulfillment;
use common::models::ledger::ReservedItem;
use common::models::location::LocationId;
use common::models::order::{OrderEvent, OrderStatus, Rejection, RequestedLine};
use common::models::order_change::{EditedLine, NoteText, OrderMove, TagChange};
use common::models::order_return::{NewReturnLine, ReceivedLine};
use common::money::Currency;
use common::time::Timestamp;
use obstacle::{allowed_moves, obstacle};

/// Delivered effects that an order remembers; older ones are counted.
const REMEMBERED_EFFECTS: usize = 16;

/// What happens to an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Its stock is reserved: names and unit prices of this moment are copied.
    Reserved {
        currency: Currency,
        items: Vec<ReservedItem>,
    },
    /// It gets no stock, for ever.
    Refused {
        reasons: Vec<Rejection>,
    },
    /// Units are called off: these, or all that are not shipped.
    Cancel {
        lines: Option<Vec<RequestedLine>>,
    },
    /// Lines become what the edit says; where that needs stock, it waits for its reservation.
    Edit {
        lines: Vec<EditedLine>,
    },
    /// The stock of the edit that waits is reserved.
    EditReserved {
        id: MovementId,
        currency: Currency,
        items: Vec<ReservedItem>,
    },
    /// The edit that waits gets no stock.
    EditRefused {
        id: MovementId,
        reasons: Vec<Rejection>,
    },
    Ship(NewFulfillment),
    Deliver {
        id: FulfillmentId,
    },
    RequestReturn {
        lines: Vec<NewReturnLine>,
    },
    ApproveReturn {
        id: ReturnId,
    },
    DeclineReturn {
        id: ReturnId,
    },
    ReceiveReturn {
        id: ReturnId,
        lines: Vec<ReceivedLine>,
        location_id: Option<LocationId>,
    },
    Hold,
    Release,
    Note {
        text: NoteText,
    },
    Tag(TagChange),
}

impl Event {
    /// What a client asked for; `None` for what the ledger decided.
    pub const fn asked(&self) -> Option<OrderMove> {
        Some(match self {
            Self::Reserved { .. }
            | Self::Refused { .. }
            | Self::EditReserved { .. }
            | Self::EditRefused { .. } => return None,
            Self::Cancel { .. } => OrderMove::Cancel,
            Self::Edit { .. } => OrderMove::Edit,
            Self::Ship(_) => OrderMove::Ship,
            Self::Deliver { .. } => OrderMove::Deliver,
            Self::RequestReturn { .. } => OrderMove::RequestReturn,
            Self::ApproveReturn { .. } => OrderMove::ApproveReturn,
            Self::DeclineReturn { .. } => OrderMove::DeclineReturn,
            Self::ReceiveReturn { .. } => OrderMove::ReceiveReturn,
            Self::Hold => OrderMove::Hold,
            Self::Release => OrderMove::Release,
            Self::Note { .. } => OrderMove::Note,
            Self::Tag(_) => OrderMove::Tag,
        })
    }
}

/// Whose hand moves an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The customer whose order it is.
    Customer,
    Staff,
}

/// Who, when and why.
#[derive(Clone, Debug)]
pub struct Cause {
    pub at: Timestamp,
    pub actor: String,
    pub hand: Hand,
    pub note: Option<String>,
    /// The request, where it carried a key.
    pub request: Option<Request>,
}

impl Cause {
    /// Without a note or a key.
    pub fn new(actor: impl Into<String>, hand: Hand, at: Timestamp) -> Self {
        Self { at, actor: actor.into(), hand, note: None, request: None }
    }
}

/// Why an event cannot happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    #[error("an order that is {state:?} does not allow this: {because}")]
    Illegal { state: OrderStatus, allowed: Vec<OrderMove>, because: &'static str },
    /// The edit that waits for its stock must be settled first.
    #[error("an edit of the order waits for its stock")]
    EditPending,
    /// The ledger's answer is not of this order's lines.
    #[error("the reservation does not match the order: {0}")]
    Mismatch(String),
    #[error("must have at least one line")]
    NoLines,
    #[error("names a product that stands on an earlier line")]
    DuplicateProduct { line: usize },
    #[error("is no product of the order")]
    UnknownProduct { line: usize },
    #[error("is more than the {most} that there are")]
    TooMany { line: usize, most: u32 },
    #[error("must be 1 or more")]
    NoUnits { line: usize },
    /// An edit that leaves nothing is a cancellation.
    #[error("leaves nothing of the order; cancel it instead")]
    NothingLeft,
    #[error("asks for what is there already")]
    NothingToDo,
    #[error("there is no such {0}")]
    UnknownPart(&'static str),
    #[error("an order has at most {most} {what}")]
    Full { what: &'static str, most: usize },
}

/// Applies an event: the order's next version, with its line of history and the effects it owes.
pub fn apply(order: &Order, event: Event, cause: &Cause) -> Result<Order, MoveError> {
    check_part(order, &event)?;
    if let Some(asked) = event.asked()
        && let Some(because) = obstacle(order, asked, cause.hand)
    {
        return Err(refuse(order, because, cause.hand));
    }
    let mut next = order.clone();
    let mut change = Change {
        note: cause.note.clone(),
        request: cause.request.map(|request| request.id),
        asked: cause.request.map(|request| request.asked),
        ..Change::new(cause.at, cause.actor.clone(), OrderEvent::Placed)
    };
    use OrderStatus::{Cancelled, Completed, Confirmed, Pending, Rejected};
    change.event = match (order.status, event) {
        (Pending, Event::Reserved { currency, items }) => settling::confirm(&mut next, currency, items)?,
        (Pending, Event::Refused { reasons }) => settling::reject(&mut next, reasons),
        (Confirmed, Event::Cancel { lines }) => cancelling::cancel(&mut next, lines, cause.at)?,
        (Confirmed, Event::Edit { lines }) => editing::edit(&mut next, lines, &mut change)?,
        (Confirmed, Event::EditReserved { id, currency, items }) => {
            editing::settle(&mut next, id, currency, &items, &mut change)?
        }
        (Confirmed, Event::EditRefused { id, reasons }) => {
            editing::refuse(&mut next, id, reasons, &mut change)?
        }
        (Confirmed, Event::Ship(parcel)) => shipping::ship(&mut next, parcel, &mut change)?,
        (Confirmed, Event::Deliver { id }) => shipping::deliver(&mut next, id, &mut change, cause.hand)?,
        (Confirmed | Completed, Event::RequestReturn { lines }) => {
            returning::request(&mut next, lines, &mut change)?
        }
        (Confirmed | Completed, Event::ApproveReturn { id }) => {
            returning::approve(&mut next, id, &mut change, cause.hand)?
        }
        (Confirmed | Completed, Event::DeclineReturn { id }) => {
            returning::decline(&mut next, id, &mut change, cause.hand)?
        }
        (Confirmed | Completed, Event::ReceiveReturn { id, lines, location_id }) => {
            let arrived = returning::Arrived { id, lines, location_id };
            returning::receive(&mut next, arrived, &mut change, cause.hand)?
        }
        (Confirmed, Event::Hold) => annotating::hold(&mut next, cause),
        (Confirmed, Event::Release) => annotating::release(&mut next),
        (Confirmed | Completed | Cancelled | Rejected, Event::Note { text }) => {
            annotating::note(&mut next, text, cause)?
        }
        (Confirmed | Completed | Cancelled | Rejected, Event::Tag(tags)) => annotating::tag(&mut next, tags)?,
        (_, _) => return Err(refuse(order, "the order has gone past it", cause.hand)),
    };
    quantities::derive_statuses(&mut next);
    forget_old_effects(&mut next);
    next.version += 1;
    next.updated_at = cause.at;
    next.history.push(change);
    Ok(next)
}

/// A fulfilment or return that the order does not have is missing, whatever its state.
fn check_part(order: &Order, event: &Event) -> Result<(), MoveError> {
    match event {
        Event::Deliver { id } if !order.fulfillments.iter().any(|parcel| parcel.id == *id) => {
            Err(MoveError::UnknownPart("fulfillment"))
        }
        Event::ApproveReturn { id } | Event::DeclineReturn { id } | Event::ReceiveReturn { id, .. }
            if !order.returns.iter().any(|found| found.id == *id) =>
        {
            Err(MoveError::UnknownPart("return"))
        }
        _ => Ok(()),
    }
}

fn refuse(order: &Order, because: &'static str, hand: Hand) -> MoveError {
    if because == obstacle::EDIT_PENDING {
        return MoveError::EditPending;
    }
    MoveError::Illegal { state: order.status, allowed: allowed_moves(order, hand), because }
}

/// What was delivered long ago is only counted, so that the order does not grow with every parcel.
fn forget_old_effects(order: &mut Order) {
    while order.effects.len() > REMEMBERED_EFFECTS {
        let Some(place) = order.effects.iter().position(|effect| effect.state == EffectState::Done) else {
            return;
        };
        order.effects.remove(place);
        order.pruned_effects = order.pruned_effects.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
