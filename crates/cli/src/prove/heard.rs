//! What a client heard of its request, and which answers may be given to it.

use super::wish::{Step, Wish};
use common::error::Problem;
use common::ids::OrderId;
use common::money::Amount;
use oms_client::Error;

#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The order as it is placed; its total is that of its version.
    Created { id: OrderId, version: i64, total: Option<Amount> },
    /// The order exists and never will be placed.
    Rejected { id: OrderId },
    /// The move was made, now or by an earlier request with its key.
    Moved,
    /// The edit never will be made: there was no stock for it.
    Refused,
    /// The order's state does not allow the move.
    NotAllowed,
    /// The order is not at the version that the request named.
    Stale,
    /// Nothing for certain.
    Nothing,
}

impl Heard {
    /// Whether every repeat hears the same.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Created { .. } | Self::Rejected { .. } | Self::Moved | Self::Refused => true,
            Self::NotAllowed | Self::Stale | Self::Nothing => false,
        }
    }
}

/// What a failure says of a wish; `None` where it may never be given.
pub fn of_failure(error: &Error, wish: &Wish) -> Option<Heard> {
    let (status, problem) = match error {
        Error::Problem { status, problem } => (status, problem),
        Error::Transport(_) | Error::Timeout => return Some(Heard::Nothing),
        Error::Decode(_) | Error::Configuration(_) => return None,
    };
    if says_nothing(*status) {
        return Some(Heard::Nothing);
    }
    match wish {
        Wish::Order(_) => of_placing(*status, problem),
        Wish::Move(wish) if *status == 412 => wish.if_version.map(|_| Heard::Stale),
        Wish::Move(wish) => of_moving(*status, problem, &wish.step),
    }
}

/// Whether an answer of this status leaves open what became of the request.
pub const fn says_nothing(status: u16) -> bool {
    matches!(status, 401 | 408 | 429 | 502 | 503 | 504)
}

fn of_placing(status: u16, problem: &Problem) -> Option<Heard> {
    let is_refusal = matches!(status, 409 | 422) && problem.extensions.contains_key("rejections");
    let id = problem.extensions.get("orderId").filter(|_| is_refusal)?;
    Some(Heard::Rejected { id: id.as_str()?.parse().ok()? })
}

fn of_moving(status: u16, problem: &Problem, step: &Step) -> Option<Heard> {
    let is_edit = matches!(step, Step::Edit(_));
    let names_lines = is_edit || matches!(step, Step::Cancel(Some(_)) | Step::Ship { lines: Some(_), .. });
    match (status, &*problem.code) {
        (409 | 422, _) if problem.extensions.contains_key("rejections") => is_edit.then_some(Heard::Refused),
        (409, "illegal_transition" | "too_many_units" | "limit_reached") => Some(Heard::NotAllowed),
        (409, "nothing_to_change") => is_edit.then_some(Heard::NotAllowed),
        // An edit of someone else took the line away, or would leave the order without one.
        (422, _) if names_lines && !problem.errors.is_empty() => {
            let is_known = |code: &str| code == "unknown_line" || (is_edit && code == "nothing_left");
            problem.errors.iter().all(|error| is_known(&error.code)).then_some(Heard::NotAllowed)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::wish::MoveWish;
    use serde_json::{Value, json};

    fn answer(status: u16, code: &str, more: &Value) -> Error {
        let mut problem =
            json!({ "type": "about:blank", "title": "", "status": status, "detail": "", "code": code });
        problem.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Error::Problem { status, problem: Box::new(serde_json::from_value(problem).unwrap()) }
    }

    fn moving(step: Step, if_version: Option<i64>) -> Wish {
        Wish::Move(MoveWish { order: OrderId::new(), step, if_version })
    }

    #[test]
    fn a_refusal_is_known_only_where_the_request_may_be_refused_so() {
        let (hold, edit) = (moving(Step::Hold, None), moving(Step::Edit(Vec::new()), Some(3)));
        let none = json!({});
        let illegal = answer(409, "illegal_transition", &none);
        assert_eq!(of_failure(&illegal, &hold), Some(Heard::NotAllowed));
        let short = answer(409, "out_of_stock", &json!({ "rejections": [] }));
        assert_eq!(of_failure(&short, &edit), Some(Heard::Refused));
        assert_eq!(of_failure(&short, &hold), None);
        let stale = answer(412, "version_mismatch", &none);
        assert_eq!((of_failure(&stale, &edit), of_failure(&stale, &hold)), (Some(Heard::Stale), None));
        let line = |code: &str| {
            answer(
                422,
                "validation_failed",
                &json!({ "errors": [{ "pointer": "/lines/0", "code": code, "detail": "" }] }),
            )
        };
        assert_eq!(of_failure(&line("nothing_left"), &edit), Some(Heard::NotAllowed));
        assert_eq!(of_failure(&line("no_units"), &edit), None);
        assert_eq!(of_failure(&line("unknown_line"), &hold), None);
        assert_eq!(of_failure(&answer(503, "unavailable", &none), &hold), Some(Heard::Nothing));
        assert_eq!(of_failure(&answer(500, "internal", &none), &hold), None);
        assert_eq!(of_failure(&answer(404, "not_found", &none), &hold), None);
    }

    #[test]
    fn a_rejected_order_says_which_it_is() {
        let id = OrderId::new();
        let wish = Wish::Order(Box::new(serde_json::from_value(json!({ "customerId": id })).unwrap()));
        let rejected = answer(409, "out_of_stock", &json!({ "rejections": [], "orderId": id }));
        assert_eq!(of_failure(&rejected, &wish), Some(Heard::Rejected { id }));
        let nameless = answer(409, "out_of_stock", &json!({ "rejections": [] }));
        assert_eq!(of_failure(&nameless, &wish), None);
    }
}
