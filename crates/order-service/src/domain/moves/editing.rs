//! Editing an order of which nothing is shipped, as one change: what it needs more is reserved first, what it needs no
//! longer is released.

use super::MoveError;
use super::quantities::{check_distinct, next_id, owe, places, total};
use crate::domain::order::{Change, Edit, EffectKind, Line, Order, Request};
use common::ids::{MovementId, ProductId};
use common::models::ledger::ReservedItem;
use common::models::order::{MAX_LINES, OrderEvent, Quantity, Rejection, RejectionCode, RequestedLine};
use common::models::order_change::EditedLine;
use common::money::Currency;
use std::collections::HashMap;

/// Makes the edit at once where it only gives back; else it waits for its reservation.
pub(super) fn edit(
    order: &mut Order,
    lines: Vec<EditedLine>,
    change: &mut Change,
) -> Result<OrderEvent, MoveError> {
    let difference = compare(order, &lines)?;
    let id = next_id(order, b"edit");
    change.edit_id = Some(id);
    if difference.more.is_empty() {
        if !write_lines(order, &lines, &[]) {
            return Err(MoveError::Mismatch("its lines do not add up".to_owned()));
        }
        owe(order, EffectKind::Release, difference.less, None, change.at);
        order.edits.push(id);
        return Ok(OrderEvent::Edited);
    }
    // The request is answered by what becomes of the edit, and a repeat must not take this entry for that.
    let request = change.request.take().zip(change.asked.take()).map(|(id, asked)| Request { id, asked });
    order.edit = Some(Box::new(Edit {
        id,
        lines,
        more: difference.more,
        at: change.at,
        actor: change.actor.clone(),
        note: change.note.take(),
        request,
    }));
    Ok(OrderEvent::EditRequested)
}

/// The reservation stands: the lines change, unless what they cost cannot be written down.
pub(super) fn settle(
    order: &mut Order,
    id: MovementId,
    currency: Currency,
    items: &[ReservedItem],
    change: &mut Change,
) -> Result<OrderEvent, MoveError> {
    let edit = take_edit(order, id, change)?;
    let got: HashMap<ProductId, u32> = items.iter().map(|item| (item.product_id, item.quantity)).collect();
    let is_equal = got.len() == edit.more.len()
        && edit.more.iter().all(|line| got.get(&line.product_id) == Some(&line.quantity.get()));
    if !is_equal {
        return Err(MoveError::Mismatch(format!("edit {id}")));
    }
    order.edits.push(id);
    let difference = compare(order, &edit.lines)?;
    if order.currency != Some(currency) {
        return Ok(give_back(order, edit, RejectionCode::MixedCurrencies, change));
    }
    if !write_lines(order, &edit.lines, items) {
        return Ok(give_back(order, edit, RejectionCode::TotalTooLarge, change));
    }
    owe(order, EffectKind::Release, difference.less, None, change.at);
    Ok(OrderEvent::Edited)
}

/// There is no stock: the order is as it was.
pub(super) fn refuse(
    order: &mut Order,
    id: MovementId,
    reasons: Vec<Rejection>,
    change: &mut Change,
) -> Result<OrderEvent, MoveError> {
    take_edit(order, id, change)?;
    change.rejections = reasons;
    Ok(OrderEvent::EditRefused)
}

/// What was reserved for an edit that cannot be made becomes available again.
fn give_back(order: &mut Order, edit: Edit, code: RejectionCode, change: &mut Change) -> OrderEvent {
    owe(order, EffectKind::Release, edit.more, None, change.at);
    change.rejections = vec![Rejection { product_id: None, code, requested: None, available: None }];
    OrderEvent::EditRefused
}

/// The edit that waits, with its author as that of the change.
fn take_edit(order: &mut Order, id: MovementId, change: &mut Change) -> Result<Edit, MoveError> {
    let edit = order.edit.take().filter(|edit| edit.id == id);
    let edit = *edit.ok_or_else(|| MoveError::Mismatch(format!("edit {id} does not wait")))?;
    change.actor.clone_from(&edit.actor);
    change.note.clone_from(&edit.note);
    change.request = edit.request.map(|request| request.id);
    change.asked = edit.request.map(|request| request.asked);
    change.edit_id = Some(id);
    Ok(edit)
}

/// Units to reserve and to release.
struct Difference {
    more: Vec<RequestedLine>,
    less: Vec<RequestedLine>,
}

/// What the edit changes, with every rule about it kept.
fn compare(order: &Order, lines: &[EditedLine]) -> Result<Difference, MoveError> {
    check_distinct(lines.iter().map(|line| line.product_id))?;
    let places = places(order);
    let mut difference = Difference { more: Vec::new(), less: Vec::new() };
    let (mut added, mut removed) = (0_usize, 0_usize);
    for (line, edited) in lines.iter().enumerate() {
        let found = places.get(&edited.product_id).and_then(|place| order.lines.get(*place));
        let (kept, cancelled) = found.map_or((0, 0), |found| (found.kept(), found.cancelled));
        let most = Quantity::MAX.saturating_sub(cancelled);
        if edited.quantity > most {
            return Err(MoveError::TooMany { line, most });
        }
        match found {
            None if edited.quantity == 0 => return Err(MoveError::UnknownProduct { line }),
            None => added += 1,
            Some(_) if edited.quantity + cancelled == 0 => removed += 1,
            Some(_) => {}
        }
        let (product_id, wanted) = (edited.product_id, edited.quantity);
        if let Ok(quantity) = Quantity::try_from(wanted.saturating_sub(kept)) {
            difference.more.push(RequestedLine { product_id, quantity });
        }
        if let Ok(quantity) = Quantity::try_from(kept.saturating_sub(wanted)) {
            difference.less.push(RequestedLine { product_id, quantity });
        }
    }
    if order.lines.len() + added > MAX_LINES + removed {
        return Err(MoveError::Full { what: "lines", most: MAX_LINES });
    }
    if difference.more.is_empty() && difference.less.is_empty() {
        return Err(MoveError::NothingToDo);
    }
    let sum = |lines: &[RequestedLine]| lines.iter().map(|line| u64::from(line.quantity.get())).sum::<u64>();
    let kept: u64 = order.lines.iter().map(|line| u64::from(line.kept())).sum();
    if kept + sum(&difference.more) == sum(&difference.less) {
        return Err(MoveError::NothingLeft);
    }
    Ok(difference)
}

/// Changes, adds and removes lines. Lines that were there keep their price; a new one has that of its reservation.
/// Answers `false`, with nothing changed, where they cost more than can be written down.
fn write_lines(order: &mut Order, edited: &[EditedLine], items: &[ReservedItem]) -> bool {
    let mut changed = order.clone();
    let places = places(order);
    for edited in edited {
        match places.get(&edited.product_id).and_then(|place| changed.lines.get_mut(*place)) {
            Some(line) => line.quantity = line.cancelled + edited.quantity,
            None => changed.lines.extend(new_line(*edited, items)),
        }
    }
    changed.lines.retain(|line| line.quantity > 0);
    let Some(sum) = total(&changed) else { return false };
    changed.total_minor = Some(sum.minor());
    *order = changed;
    true
}

fn new_line(edited: EditedLine, items: &[ReservedItem]) -> Option<Line> {
    let quantity = edited.quantity.try_into().ok()?;
    let item = items.iter().find(|item| item.product_id == edited.product_id)?;
    Some(Line {
        sku: Some(item.sku.clone()),
        name: Some(item.name.clone()),
        unit_price_minor: Some(item.unit_price_minor),
        ..Line::new(&RequestedLine { product_id: edited.product_id, quantity })
    })
}
