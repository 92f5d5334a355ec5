//! What clients see beside an order.

use crate::domain::moves::Hand;
use crate::domain::moves::obstacle::{moves_of, obstacle};
use crate::domain::order::{Change, Order};
use common::auth::caller::Caller;
use common::models::auth::Scope;
use common::models::order as model;
use common::models::order_change::{MoveAnswer, OrderWhy};

/// Whose eyes read: whoever may read everyone's orders is staff, and anyone else reads their own.
pub fn hand(caller: &Caller) -> Hand {
    if caller.holds(Scope::OrdersRead) || caller.holds(Scope::OrdersWrite) {
        Hand::Staff
    } else {
        Hand::Customer
    }
}

pub fn history(change: &Change, hand: Hand) -> model::HistoryEntry {
    let is_for_staff = matches!(change.event, model::OrderEvent::Held | model::OrderEvent::Released);
    model::HistoryEntry {
        at: change.at,
        actor: change.actor.clone(),
        event: change.event,
        note: change.note.clone().filter(|_| hand == Hand::Staff || !is_for_staff),
        fulfillment_id: change.fulfillment_id,
        return_id: change.return_id,
        rejections: change.rejections.clone(),
    }
}

/// What may be asked of the order, and what stands in the way of the rest.
pub fn why(order: &Order, hand: Hand) -> OrderWhy {
    let answer = |asked| {
        let because = obstacle(order, asked, hand).map(str::to_owned);
        MoveAnswer { asked, allowed: because.is_none(), because }
    };
    OrderWhy {
        status: order.status,
        fulfillment_status: order.fulfillment_status,
        effects_due: order.effects_due().count(),
        moves: moves_of(hand).map(answer).collect(),
    }
}
