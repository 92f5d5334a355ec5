//! Returns: asked for, approved or declined, received; what arrives is restocked or written off.

use super::obstacle::allowed_moves;
use super::quantities::{check_distinct, next_id, owe, places};
use super::{Hand, MoveError};
use crate::domain::order::{Change, EffectKind, Line, Order};
use common::ids::{ProductId, ReturnId};
use common::models::location::LocationId;
use common::models::order::{OrderEvent, Quantity, RequestedLine};
use common::models::order_return::{
    MAX_RETURNS, NewReturnLine, ReceivedLine, Return, ReturnLine, ReturnStatus,
};
use std::collections::HashMap;

/// Most lines of all returns of one order together.
const MAX_RETURN_LINES: usize = 10_000;

/// What arrived of a return.
pub(super) struct Arrived {
    pub id: ReturnId,
    pub lines: Vec<ReceivedLine>,
    pub location_id: Option<LocationId>,
}

/// Units of a line that may still be asked back for: delivered, not returned, and in no return that is under way.
pub(super) fn returnable(line: &Line, under_way: &HashMap<ProductId, u32>) -> u32 {
    let asked = under_way.get(&line.product_id).copied().unwrap_or(0);
    line.delivered.saturating_sub(line.returned).saturating_sub(asked)
}

/// Units of each product that open returns name.
pub(super) fn under_way(order: &Order) -> HashMap<ProductId, u32> {
    let mut units: HashMap<ProductId, u32> = HashMap::new();
    let is_open = |open: &&Return| matches!(open.status, ReturnStatus::Requested | ReturnStatus::Approved);
    for line in order.returns.iter().filter(is_open).flat_map(|open| &open.lines) {
        let sum = units.entry(line.product_id).or_default();
        *sum = sum.saturating_add(line.quantity.get());
    }
    units
}

pub(super) fn request(
    order: &mut Order,
    lines: Vec<NewReturnLine>,
    change: &mut Change,
) -> Result<OrderEvent, MoveError> {
    if order.returns.len() >= MAX_RETURNS {
        return Err(MoveError::Full { what: "returns", most: MAX_RETURNS });
    }
    let listed: usize = order.returns.iter().map(|earlier| earlier.lines.len()).sum();
    if listed + lines.len() > MAX_RETURN_LINES {
        return Err(MoveError::Full { what: "lines in its returns", most: MAX_RETURN_LINES });
    }
    check_distinct(lines.iter().map(|line| line.product_id))?;
    let (places, under_way) = (places(order), under_way(order));
    for (line, asked) in lines.iter().enumerate() {
        let found = places.get(&asked.product_id).and_then(|place| order.lines.get(*place));
        let found = found.ok_or(MoveError::UnknownProduct { line })?;
        let most = returnable(found, &under_way);
        if asked.quantity.get() > most {
            return Err(MoveError::TooMany { line, most });
        }
    }
    let id = next_id(order, b"return");
    let line = |asked: NewReturnLine| ReturnLine {
        product_id: asked.product_id,
        quantity: asked.quantity,
        reason: asked.reason,
        restocked: 0,
        written_off: 0,
    };
    order.returns.push(Return {
        id,
        status: ReturnStatus::Requested,
        lines: lines.into_iter().map(line).collect(),
        requested_at: change.at,
        decided_at: None,
        received_at: None,
    });
    change.return_id = Some(id);
    Ok(OrderEvent::ReturnRequested)
}

pub(super) fn approve(
    order: &mut Order,
    id: ReturnId,
    change: &mut Change,
    hand: Hand,
) -> Result<OrderEvent, MoveError> {
    let returned = find(order, id, &[ReturnStatus::Requested], hand)?;
    returned.status = ReturnStatus::Approved;
    returned.decided_at = Some(change.at);
    change.return_id = Some(id);
    Ok(OrderEvent::ReturnApproved)
}

/// Also of a return that was approved and never arrived.
pub(super) fn decline(
    order: &mut Order,
    id: ReturnId,
    change: &mut Change,
    hand: Hand,
) -> Result<OrderEvent, MoveError> {
    let returned = find(order, id, &[ReturnStatus::Requested, ReturnStatus::Approved], hand)?;
    returned.status = ReturnStatus::Declined;
    returned.decided_at = Some(change.at);
    change.return_id = Some(id);
    Ok(OrderEvent::ReturnDeclined)
}

/// What arrived counts as returned; what is fit to be sold again goes back into stock.
pub(super) fn receive(
    order: &mut Order,
    arrived: Arrived,
    change: &mut Change,
    hand: Hand,
) -> Result<OrderEvent, MoveError> {
    check_distinct(arrived.lines.iter().map(|line| line.product_id))?;
    let returned = find(order, arrived.id, &[ReturnStatus::Approved], hand)?;
    for (line, got) in arrived.lines.iter().enumerate() {
        let named = returned.lines.iter_mut().find(|named| named.product_id == got.product_id);
        let named = named.ok_or(MoveError::UnknownProduct { line })?;
        let most = named.quantity.get();
        let sum = got.restock.checked_add(got.write_off).filter(|sum| *sum <= most);
        match sum {
            None => return Err(MoveError::TooMany { line, most }),
            Some(0) => return Err(MoveError::NoUnits { line }),
            Some(_) => (named.restocked, named.written_off) = (got.restock, got.write_off),
        }
    }
    returned.status = ReturnStatus::Received;
    returned.received_at = Some(change.at);
    let places = places(order);
    let mut restocked: Vec<RequestedLine> = Vec::new();
    for got in &arrived.lines {
        let place = places.get(&got.product_id).copied();
        if let Some(line) = place.and_then(|place| order.lines.get_mut(place)) {
            let before = line.taken_back();
            line.returned += got.restock + got.write_off;
            line.restocked += got.restock;
            if let Ok(quantity) = Quantity::try_from(line.taken_back() - before) {
                restocked.push(RequestedLine { product_id: got.product_id, quantity });
            }
        }
    }
    owe(order, EffectKind::Return, restocked, arrived.location_id, change.at);
    change.return_id = Some(arrived.id);
    Ok(OrderEvent::ReturnReceived)
}

/// The return, if it is in one of these states.
fn find<'a>(
    order: &'a mut Order,
    id: ReturnId,
    states: &[ReturnStatus],
    hand: Hand,
) -> Result<&'a mut Return, MoveError> {
    let (state, allowed) = (order.status, allowed_moves(order, hand));
    let found = order.returns.iter_mut().find(|found| found.id == id);
    let found = found.ok_or(MoveError::UnknownPart("return"))?;
    if states.contains(&found.status) {
        return Ok(found);
    }
    let because = match found.status {
        ReturnStatus::Requested => "the return is not approved",
        ReturnStatus::Approved => "the return is approved already",
        ReturnStatus::Declined => "the return is declined",
        ReturnStatus::Received => "the return is received already",
    };
    Err(MoveError::Illegal { state, allowed, because })
}
