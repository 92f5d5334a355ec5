//! Cancelling: what was not shipped is called off, and what it held becomes available again.

use super::MoveError;
use super::quantities::{open_lines, owe, take, total_again};
use crate::domain::order::{EffectKind, Line, Order};
use common::models::order::{OrderEvent, RequestedLine};
use common::time::Timestamp;

/// These units, or all that are open.
pub(super) fn cancel(
    order: &mut Order,
    lines: Option<Vec<RequestedLine>>,
    at: Timestamp,
) -> Result<OrderEvent, MoveError> {
    let lines = lines.unwrap_or_else(|| open_lines(order));
    take(order, &lines, Line::open, |line, units| line.cancelled += units)?;
    owe(order, EffectKind::Release, lines, None, at);
    total_again(order)?;
    if order.lines.iter().all(|line| line.open() == 0) {
        // There is nothing left that could be held back.
        order.hold = None;
    }
    Ok(OrderEvent::Cancelled)
}
