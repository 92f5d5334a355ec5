//! Shipping: parcels leave with what the order has reserved, and arrive.

use super::obstacle::allowed_moves;
use super::quantities::{next_id, open_lines, owe, take};
use super::{Hand, MoveError};
use crate::domain::order::{Change, EffectKind, Line, Order};
use common::ids::FulfillmentId;
use common::models::fulfillment::{Fulfillment, MAX_FULFILLMENTS, NewFulfillment};
use common::models::order::{OrderEvent, RequestedLine};

/// Most lines of all parcels of one order together.
pub(super) const MAX_PARCEL_LINES: usize = 10_000;

/// One parcel leaves, with these units or with all that are open.
pub(super) fn ship(
    order: &mut Order,
    parcel: NewFulfillment,
    change: &mut Change,
) -> Result<OrderEvent, MoveError> {
    if order.fulfillments.len() >= MAX_FULFILLMENTS {
        return Err(MoveError::Full { what: "fulfillments", most: MAX_FULFILLMENTS });
    }
    let lines = parcel.lines.unwrap_or_else(|| open_lines(order));
    let packed: usize = order.fulfillments.iter().map(|earlier| earlier.lines.len()).sum();
    if packed + lines.len() > MAX_PARCEL_LINES {
        return Err(MoveError::Full { what: "lines in its fulfillments", most: MAX_PARCEL_LINES });
    }
    take(order, &lines, Line::open, |line, units| line.shipped += units)?;
    owe(order, EffectKind::Shipment, lines.clone(), parcel.location_id.clone(), change.at);
    let id = next_id(order, b"fulfillment");
    order.fulfillments.push(Fulfillment {
        id,
        lines,
        carrier: parcel.carrier,
        tracking_number: parcel.tracking_number,
        tracking_url: parcel.tracking_url,
        location_id: parcel.location_id,
        shipped_at: change.at,
        delivered_at: None,
    });
    change.fulfillment_id = Some(id);
    Ok(OrderEvent::Shipped)
}

/// A parcel arrived.
pub(super) fn deliver(
    order: &mut Order,
    id: FulfillmentId,
    change: &mut Change,
    hand: Hand,
) -> Result<OrderEvent, MoveError> {
    let allowed = allowed_moves(order, hand);
    let parcel = order.fulfillments.iter_mut().find(|parcel| parcel.id == id);
    let parcel = parcel.ok_or(MoveError::UnknownPart("fulfillment"))?;
    if parcel.delivered_at.is_some() {
        let because = "the fulfillment is delivered already";
        return Err(MoveError::Illegal { state: order.status, allowed, because });
    }
    parcel.delivered_at = Some(change.at);
    let lines: Vec<RequestedLine> = parcel.lines.clone();
    let in_transit = |line: &Line| line.shipped.saturating_sub(line.delivered);
    take(order, &lines, in_transit, |line, units| line.delivered += units)?;
    change.fulfillment_id = Some(id);
    Ok(OrderEvent::Delivered)
}
