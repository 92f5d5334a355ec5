//! What went wrong, in words, with what to do about it.

use common::error::Problem;
use oms_client::Error;
use serde_json::Value;
use std::fmt::Write as _;

/// For whoever sits at the terminal: what happened, where, and what to do.
pub fn explain(error: &anyhow::Error) -> String {
    let Some(refusal) = error.downcast_ref::<Error>() else { return format!("oms: {error:#}") };
    // What was being done, where somebody said so.
    let mut told = String::from("oms: ");
    let context = error.to_string();
    if context != refusal.to_string() {
        told += &format!("{context}: ");
    }
    match refusal {
        Error::Problem { status, problem } => explain_problem(&mut told, *status, problem),
        Error::Transport(cause) => {
            let cause = root(cause.as_ref());
            told += &format!(
                "the shop does not answer: {cause}\n  Is it running, and is its address right? See `oms profiles` and \
                 `oms doctor`."
            );
        }
        Error::Timeout => {
            told += "the shop did not answer in time. Whether it did what was asked is not known: look before you ask \
                     again, or ask again with the same --key.";
        }
        Error::Decode(cause) => {
            told += &format!(
                "the shop answered what this program does not understand: {cause}\n  Are they of one version?"
            );
        }
        Error::Configuration(rule) => told += rule,
    }
    told
}

fn explain_problem(told: &mut String, status: u16, problem: &Problem) {
    *told += &format!("{} ({status} {})", problem.detail, problem.code);
    let mut line = |text: String| {
        // Writing to a String cannot fail.
        let _written = write!(told, "\n  {text}");
    };
    for field in &problem.errors {
        line(format!("{}: {}", field.pointer, field.detail));
    }
    let members = |name: &str| problem.extensions.get(name).and_then(Value::as_array).into_iter().flatten();
    for rejection in members("rejections") {
        line(explain_rejection(rejection));
    }
    let moves: Vec<&str> = members("allowedMoves").filter_map(Value::as_str).collect();
    if !moves.is_empty() {
        line(format!("What it allows now: {}.", moves.join(", ")));
    }
    for name in ["orderId", "locationId"] {
        if let Some(Value::String(id)) = problem.extensions.get(name) {
            line(format!("{name} {id}"));
        }
    }
    if let Some(advice) = advice(status, &problem.code) {
        line(advice.to_owned());
    }
    if let Some(request_id) = &problem.request_id {
        line(format!("request {request_id}"));
    }
}

fn explain_rejection(rejection: &Value) -> String {
    let text = |name: &str| rejection.get(name).and_then(Value::as_str).unwrap_or("the order").to_owned();
    let units = |name: &str| rejection.get(name).and_then(Value::as_u64);
    let code = text("code").replace('_', " ");
    match (units("requested"), units("available")) {
        (Some(requested), Some(available)) => {
            format!("{}: {code}, {requested} wanted and {available} available", text("productId"))
        }
        _ => format!("{}: {code}", text("productId")),
    }
}

fn advice(status: u16, code: &str) -> Option<&'static str> {
    Some(match (status, code) {
        (401, "invalid_credentials") => "Is the address right? Nobody learns here whether it has an account.",
        (401, _) => "Log in again: `oms login`.",
        (403, _) => "Log in as somebody who may: `oms login --profile NAME`, then `--profile NAME`.",
        (409, "illegal_transition") => "`oms orders why ORDER` says what stands in the way of each move.",
        (412, _) => "Somebody changed it meanwhile: look again, then decide again.",
        (422, "idempotency_key_reused") => "Take another --key for another request.",
        (429, _) => "Wait a moment.",
        (500.., "order_unsettled" | "edit_unsettled") => {
            "Ask again with the same --key, or look at the order."
        }
        (500.., _) => {
            "Try again in a moment; where it stays so, the request's id leads to the cause in the shop's log."
        }
        _ => return None,
    })
}

fn root(cause: &dyn std::error::Error) -> String {
    let mut deepest = cause;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;
    use serde_json::json;

    fn problem(body: Value) -> anyhow::Error {
        let problem: Problem = serde_json::from_value(body).unwrap();
        Error::Problem { status: problem.status, problem: Box::new(problem) }.into()
    }

    fn body(status: u16, code: &str, more: Value) -> Value {
        let mut body =
            json!({ "type": "about:blank", "title": "", "status": status, "detail": "No.", "code": code });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    #[test]
    fn a_refusal_is_told_with_its_fields_its_reasons_and_its_request() {
        let rejections =
            json!([{ "productId": "p", "code": "out_of_stock", "requested": 3, "available": 1 }]);
        let more = json!({ "rejections": rejections, "requestId": "r-1", "orderId": "o" });
        let told = explain(&problem(body(409, "out_of_stock", more)));
        assert_eq!(
            told,
            "oms: No. (409 out_of_stock)\n  p: out of stock, 3 wanted and 1 available\n  orderId o\n  request r-1"
        );
        let errors = json!({ "errors": [{ "pointer": "/lines", "code": "x", "detail": "must be there" }] });
        assert!(
            explain(&problem(body(422, "validation_failed", errors))).contains("\n  /lines: must be there")
        );
    }

    #[test]
    fn a_refusal_says_what_to_do_and_what_was_being_done() {
        let expired = problem(body(401, "token_expired", json!({})));
        assert!(explain(&expired).contains("oms login"));
        let named = Err::<(), _>(expired).context("the product ML-1").unwrap_err();
        assert!(explain(&named).starts_with("oms: the product ML-1: No. (401 token_expired)"));
        let moves = body(409, "illegal_transition", json!({ "allowedMoves": ["cancel", "ship"] }));
        let told = explain(&problem(moves));
        assert!(
            told.contains("What it allows now: cancel, ship.") && told.contains("oms orders why"),
            "{told}"
        );
        assert_eq!(explain(&anyhow::anyhow!("nobody")), "oms: nobody");
    }
}
