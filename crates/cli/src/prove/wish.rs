//! What somebody wants, by the key that says so, and everything they heard of it.

use super::heard::Heard;
use common::ids::{FulfillmentId, OrderId, ReturnId};
use common::models::location::LocationId;
use common::models::order::{NewOrder, RequestedLine};
use common::models::order_change::EditedLine;
use common::models::order_return::ReceivedLine;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Clone, Debug)]
pub enum Wish {
    Order(Box<NewOrder>),
    Move(MoveWish),
}

/// A move of one order.
#[derive(Clone, Debug)]
pub struct MoveWish {
    pub order: OrderId,
    pub step: Step,
    /// The version that the order must have.
    pub if_version: Option<i64>,
}

/// Lines that are left out are all that are open.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Cancel(Option<Vec<RequestedLine>>),
    Edit(Vec<EditedLine>),
    Ship { lines: Option<Vec<RequestedLine>>, from: Option<LocationId> },
    Deliver(FulfillmentId),
    RequestReturn(Vec<RequestedLine>),
    ApproveReturn(ReturnId),
    DeclineReturn(ReturnId),
    ReceiveReturn(ReturnId, Vec<ReceivedLine>),
    Hold,
    Release,
}

impl Step {
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Cancel(None) => "cancelled",
            Self::Cancel(Some(_)) => "cancelled by line",
            Self::Edit(_) => "edited",
            Self::Ship { lines: None, .. } => "shipped",
            Self::Ship { lines: Some(_), .. } => "shipped by line",
            Self::Deliver(_) => "delivered",
            Self::RequestReturn(_) => "return requested",
            Self::ApproveReturn(_) => "return approved",
            Self::DeclineReturn(_) => "return declined",
            Self::ReceiveReturn(..) => "return received",
            Self::Hold => "held",
            Self::Release => "released",
        }
    }
}

/// A wish and everything that was heard of it.
#[derive(Debug)]
pub struct Intent {
    pub key: String,
    pub wish: Wish,
    heard: Mutex<Vec<Heard>>,
}

impl Intent {
    pub fn new(key: String, wish: Wish) -> Self {
        Self { key, wish, heard: Mutex::default() }
    }

    pub fn hear(&self, heard: Heard) {
        self.lock().push(heard);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_answered(&self) -> bool {
        self.lock().iter().any(|heard| *heard != Heard::Nothing)
    }

    /// Whether it may have been done without an answer that says so. A refusal of one try is none of another.
    pub fn is_in_doubt(&self) -> bool {
        let heard = self.lock();
        let is_lost = heard.is_empty() || heard.contains(&Heard::Nothing);
        is_lost && !heard.iter().any(Heard::is_final)
    }

    /// Whether the last that was heard says nothing.
    pub fn is_open(&self) -> bool {
        self.lock().last().is_none_or(|last| *last == Heard::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_beside_a_lost_answer_leaves_doubt_and_an_answer_that_stands_does_not() {
        let wish = Wish::Move(MoveWish { order: OrderId::new(), step: Step::Hold, if_version: None });
        let intent = Intent::new("key".to_owned(), wish);
        assert!(intent.is_in_doubt() && intent.is_open() && !intent.is_answered());
        intent.hear(Heard::NotAllowed);
        assert!(!intent.is_in_doubt() && !intent.is_open() && intent.is_answered());
        intent.hear(Heard::Nothing);
        assert!(intent.is_in_doubt() && intent.is_open());
        intent.hear(Heard::Moved);
        assert!(!intent.is_in_doubt() && !intent.is_open());
    }
}
