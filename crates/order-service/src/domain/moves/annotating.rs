//! Hold, release, notes and tags: what is kept beside the goods.

use super::{Cause, MoveError};
use crate::domain::order::Order;
use common::models::order::OrderEvent;
use common::models::order_change::{
    ChangeNote, MAX_NOTES, MAX_TAGS, NoteText, OrderHold, OrderNote, TagChange,
};

/// Nothing is shipped until it is released.
pub(super) fn hold(order: &mut Order, cause: &Cause) -> OrderEvent {
    // The note came from a request that has the same rule.
    let note = cause.note.as_deref().and_then(|note| ChangeNote::parse(note).ok());
    order.hold = Some(OrderHold { at: cause.at, actor: cause.actor.clone(), note });
    OrderEvent::Held
}

pub(super) fn release(order: &mut Order) -> OrderEvent {
    order.hold = None;
    OrderEvent::Released
}

pub(super) fn note(order: &mut Order, text: NoteText, cause: &Cause) -> Result<OrderEvent, MoveError> {
    if order.notes.len() >= MAX_NOTES {
        return Err(MoveError::Full { what: "notes", most: MAX_NOTES });
    }
    order.notes.push(OrderNote { at: cause.at, actor: cause.actor.clone(), text });
    Ok(OrderEvent::Noted)
}

/// Removes first, so that a tag that is both removed and added stands.
pub(super) fn tag(order: &mut Order, change: TagChange) -> Result<OrderEvent, MoveError> {
    let mut tags = order.tags.clone();
    tags.retain(|tag| !change.remove.contains(tag));
    tags.extend(change.add);
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        return Err(MoveError::Full { what: "tags", most: MAX_TAGS });
    }
    if tags == order.tags {
        return Err(MoveError::NothingToDo);
    }
    order.tags = tags;
    Ok(OrderEvent::Tagged)
}
