//! What stands in the way of a move, in words: the table that both the refusals and `GET /orders/{id}/why` speak from.

use super::Hand;
use super::returning::{returnable, under_way};
use crate::domain::order::{Line, Order};
use common::models::order::OrderStatus;
use common::models::order_change::OrderMove;
use common::models::order_return::ReturnStatus;

/// An order with this many changes takes no more notes, tags and holds, so that there is always room for the goods.
const ANNOTATED: usize = 500;

/// An order with this many changes takes no more of any kind.
const FULL: usize = 1_000;

/// Most edits of one order.
const MAX_EDITS: usize = 100;

/// Most effects that an order may owe before it takes on more.
const MAX_DUE: usize = 50;

/// The one obstacle that whoever asks can take away: by settling the edit.
pub(super) const EDIT_PENDING: &str = "an edit of the order waits for its stock";

/// An edit may need stock, and units of both kinds on one line could not be told apart.
const WITHOUT_STOCK: &str = "the order was imported without touching stock; cancel what is not wanted";

/// What a caller may ask of the order now.
pub fn allowed_moves(order: &Order, hand: Hand) -> Vec<OrderMove> {
    OrderMove::ALL.into_iter().filter(|asked| obstacle(order, *asked, hand).is_none()).collect()
}

/// The moves that someone may ask for at all.
pub fn moves_of(hand: Hand) -> impl Iterator<Item = OrderMove> {
    OrderMove::ALL.into_iter().filter(move |asked| is_for(*asked, hand))
}

const fn is_for(asked: OrderMove, hand: Hand) -> bool {
    matches!(hand, Hand::Staff) || matches!(asked, OrderMove::Cancel | OrderMove::RequestReturn)
}

/// Why the order does not allow this now; `None` where it does.
pub fn obstacle(order: &Order, asked: OrderMove, hand: Hand) -> Option<&'static str> {
    use OrderMove::{
        ApproveReturn, Cancel, DeclineReturn, Deliver, Edit, Hold, Note, ReceiveReturn, Release,
        RequestReturn, Ship, Tag,
    };
    use OrderStatus::{Cancelled, Completed, Confirmed, Pending, Rejected};
    if !is_for(asked, hand) {
        return Some("only staff may ask for this");
    }
    let most = if matches!(asked, Note | Tag | Hold) { ANNOTATED } else { FULL };
    if order.history.len() >= most {
        return Some("the order has been changed too often");
    }
    match (order.status, asked) {
        (Pending, _) => Some("the order's stock is not decided yet"),
        (Confirmed | Completed | Cancelled | Rejected, Note | Tag) => None,
        (Rejected, _) => Some("the order was rejected"),
        (Cancelled, _) => Some("the order is cancelled"),
        (Confirmed, Cancel | Edit | Ship) if order.edit.is_some() => Some(EDIT_PENDING),
        (Confirmed, Cancel) => is_shipped(order, hand).or_else(|| owes_too_much(order)),
        (Confirmed, Edit) if !order.touches_stock() => Some(WITHOUT_STOCK),
        (Confirmed, Edit) => is_editable(order).or_else(|| owes_too_much(order)),
        (Confirmed, Ship) if order.hold.is_some() => Some("the order is on hold"),
        (Confirmed, Ship) => nothing_open(order).or_else(|| owes_too_much(order)),
        (Confirmed, Deliver) => {
            let is_on_its_way = order.fulfillments.iter().any(|parcel| parcel.delivered_at.is_none());
            (!is_on_its_way).then_some("no fulfillment is on its way")
        }
        (Confirmed, Hold) if order.hold.is_some() => Some("the order is on hold already"),
        (Confirmed, Hold) => nothing_open(order),
        (Confirmed, Release) => order.hold.is_none().then_some("the order is not on hold"),
        (Completed, Cancel | Edit | Ship | Deliver | Hold | Release) => Some("the order is completed"),
        (Confirmed | Completed, RequestReturn) => {
            let under_way = under_way(order);
            let is_returnable = order.lines.iter().any(|line| returnable(line, &under_way) > 0);
            (!is_returnable).then_some("nothing is delivered that could be returned")
        }
        (Confirmed | Completed, ApproveReturn) => {
            no_return(order, &[ReturnStatus::Requested]).then_some("no return is requested")
        }
        (Confirmed | Completed, DeclineReturn) => {
            let open = [ReturnStatus::Requested, ReturnStatus::Approved];
            no_return(order, &open).then_some("no return is open")
        }
        (Confirmed | Completed, ReceiveReturn) => no_return(order, &[ReturnStatus::Approved])
            .then_some("no return is approved")
            .or_else(|| owes_too_much(order)),
    }
}

/// Staff may call off the rest of an order that is on its way, its customer may not.
fn is_shipped(order: &Order, hand: Hand) -> Option<&'static str> {
    if hand == Hand::Customer && any_shipped(order) {
        return Some("a part of the order is shipped already");
    }
    nothing_open(order)
}

fn is_editable(order: &Order) -> Option<&'static str> {
    if any_shipped(order) {
        return Some("a part of the order is shipped already");
    }
    (order.edits.len() >= MAX_EDITS).then_some("the order has been edited too often")
}

fn any_shipped(order: &Order) -> bool {
    order.lines.iter().any(|line| line.shipped > 0)
}

fn nothing_open(order: &Order) -> Option<&'static str> {
    let is_done = order.lines.iter().map(Line::open).all(|open| open == 0);
    is_done.then_some("everything is shipped or cancelled already")
}

/// The ledger does not take what the order owes: that must be looked into before it owes more.
fn owes_too_much(order: &Order) -> Option<&'static str> {
    (order.effects_due().count() >= MAX_DUE)
        .then_some("the stock ledger has not taken the order's last changes")
}

fn no_return(order: &Order, states: &[ReturnStatus]) -> bool {
    !order.returns.iter().any(|found| states.contains(&found.status))
}
