//! Answers that are not a success: each status with every code that may stand in its problem.

use super::schemas::reference;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Codes by their status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusals(BTreeMap<u16, BTreeSet<&'static str>>);

impl Default for Refusals {
    /// What any operation may answer.
    fn default() -> Self {
        let mut refusals = Self(BTreeMap::new());
        refusals.add(400, &["invalid_path", "malformed_request"]);
        refusals.add(422, &["validation_failed"]);
        refusals.add(429, &["too_many_requests"]);
        refusals.add(500, &["internal_error"]);
        refusals.add(503, &["overloaded", "timed_out", "unavailable"]);
        refusals
    }
}

impl Refusals {
    pub fn add(&mut self, status: u16, codes: &[&'static str]) {
        self.0.entry(status).or_default().extend(codes);
    }

    pub fn of_a_body(&mut self) {
        self.add(400, &["body_timeout", "malformed_json"]);
        self.add(413, &["body_too_large"]);
        self.add(415, &["unsupported_media_type"]);
    }

    /// As they stand among an operation's answers.
    pub fn responses(&self) -> impl Iterator<Item = (String, Value)> {
        self.0.iter().map(|(status, codes)| (status.to_string(), response(*status, codes)))
    }
}

fn response(status: u16, codes: &BTreeSet<&'static str>) -> Value {
    let mut headers = common_headers();
    match status {
        401 => header(&mut headers, "WWW-Authenticate", "WWWAuthenticate"),
        429 | 503 => header(&mut headers, "Retry-After", "RetryAfter"),
        _ => {}
    }
    let mut schema = reference("Problem");
    if let Some(schema) = schema.as_object_mut() {
        let rule = json!({ "code": { "enum": codes }, "status": { "const": status } });
        schema.insert("properties".to_owned(), rule);
    }
    let list = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
    json!({
        "description": format!("{}: {list}.", phrase(status)),
        "headers": headers,
        "content": { "application/problem+json": { "schema": schema } },
    })
}

/// What any answer bears.
pub(super) fn common_headers() -> Map<String, Value> {
    let mut headers = Map::new();
    header(&mut headers, "RateLimit", "RateLimit");
    header(&mut headers, "RateLimit-Policy", "RateLimitPolicy");
    header(&mut headers, "X-Request-Id", "XRequestId");
    headers
}

/// Adds a header that is described once for all.
pub(super) fn header(headers: &mut Map<String, Value>, name: &str, component: &str) {
    headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{component}") }));
}

const fn phrase(status: u16) -> &'static str {
    match status {
        400 => "What was sent cannot be read",
        401 => "Nobody is known by what was sent",
        403 => "The caller may not do this",
        404 => "There is no such thing, or it is somebody else's",
        409 => "The state of things does not allow it",
        410 => "It is no longer kept",
        412 => "The thing has changed since it was read",
        413 => "The body is too long",
        415 => "The body is of another kind, or compressed",
        422 => "A field or a parameter breaks a rule; `errors` names it",
        429 => "Too many requests; nothing was done",
        503 => "Not right now; send it again, with the same Idempotency-Key where it has one",
        _ => "Something went wrong on our side",
    }
}
