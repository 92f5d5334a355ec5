//! What the description says of the API as a whole: what it is, its parts, what all operations share.

use serde_json::{Value, json};

/// The parts of the API, in the order in which a newcomer needs them.
const TAGS: [(&str, &str); 12] = [
    ("Shop", "Whether it is open, and this description."),
    ("Sessions", "Logging in and out, passwords, letters."),
    ("Customers", "Accounts, addresses, and what is held about somebody."),
    ("Products", "The catalogue."),
    ("Categories", "The tree that products stand in."),
    ("Stock", "What is where, and the ledger that explains every unit."),
    ("Reservations", "Units kept for a checkout."),
    ("Orders", "Placing and reading."),
    ("Fulfilment", "Parcels and returns."),
    ("Payments", "What is owed, paid and given back."),
    ("Events", "What happened, as a feed and by webhooks."),
    ("Administration", "Staff, API keys, the audit trail."),
];

/// Which part a path belongs to: the first whose pattern it begins with.
const PLACES: [(&str, &str); 23] = [
    ("/auth/", "Sessions"),
    ("/.well-known/", "Sessions"),
    ("/customers/{id}/sessions", "Sessions"),
    ("/customers/{id}/password", "Sessions"),
    ("/customers/{id}/role", "Administration"),
    ("/customers/{id}/orders", "Orders"),
    ("/customers", "Customers"),
    ("/staff-invitations", "Administration"),
    ("/api-keys", "Administration"),
    ("/audit-events", "Administration"),
    ("/products/{id}/inventory", "Stock"),
    ("/products", "Products"),
    ("/categories", "Categories"),
    ("/stock", "Stock"),
    ("/locations", "Stock"),
    ("/reservations", "Reservations"),
    ("/orders/{id}/fulfillments", "Fulfilment"),
    ("/orders/{id}/returns", "Fulfilment"),
    ("/orders/{id}/payments", "Payments"),
    ("/orders/{id}/refunds", "Payments"),
    ("/orders", "Orders"),
    ("/events", "Events"),
    ("/webhooks", "Events"),
];

pub fn tag_of(path: &str) -> &'static str {
    let place = PLACES.iter().find(|(pattern, _)| path.starts_with(pattern));
    place.map_or("Shop", |(_, tag)| tag)
}

const TEXT: &str = "\
An online shop's orders, customers, catalogue and stock.

* JSON in camelCase. Times are RFC 3339 in UTC with milliseconds. Amounts are numbers in major units beside their currency.
* An unknown field or parameter is refused with 422, and so is any other that breaks a rule; `errors` names each.
* Every refusal is `application/problem+json` (RFC 9457). Tell them apart by `code`, not by their words.
* A POST that makes or moves something takes an `Idempotency-Key`: sent again with the same key it does nothing twice and \
is answered like the first time.
* A single thing has an `ETag`; a change with `If-Match` is refused with 412 where the thing has changed since.
* Lists are arrays, newest first; `Link` with `rel=\"next\"` leads to the next page.
* `X-Request-Id` and `traceparent` are taken over where they are sent; every answer has an `X-Request-Id`.
* `RateLimit` says how many requests are left. 429 and 503 have `Retry-After`, and nothing was done where they say so.";

/// Everything but paths and schemas.
pub(super) fn frame() -> Value {
    let tags: Vec<Value> =
        TAGS.iter().map(|(name, text)| json!({ "name": name, "description": text })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Order management system",
            "version": env!("CARGO_PKG_VERSION"),
            "description": TEXT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": {},
        "components": {
            "schemas": {},
            "parameters": parameters(),
            "headers": headers(),
            "securitySchemes": {
                "accessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "From `POST /auth/login`. Names in `security` are the least role that may.",
                },
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "oms_…",
                    "description": "From `POST /api-keys`. Names in `security` are scopes that the key must have.",
                },
            },
        },
    })
}

fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A name of the caller's for what is meant: whoever sends it again does nothing twice.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
        },
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The `ETag` that was read: nothing is changed where it is another by now.",
            "schema": { "type": "string", "pattern": "^(\\*|\"[0-9]{1,18}(\\.[0-9A-Za-z]{1,40})?\")$" },
        },
        "LastEventId": {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The `id` of the last event of a stream that broke off.",
            "schema": { "type": "string" },
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of the copy that the caller has.",
            "schema": { "type": "string" },
        },
    })
}

fn headers() -> Value {
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let always = |description: &str| json!({ "description": description, "required": true, "schema": { "type": "string" } });
    json!({
        "ETag": always("The version of what is shown, for `If-Match` and `If-None-Match`."),
        "IdempotencyReplayed": text("`true` where an earlier request with this key did it."),
        "Link": text("`rel=\"next\"`: the next page, where there is one (RFC 8288)."),
        "Location": always("Where what was made is."),
        "RateLimit": text("What is left of each limit, and when it is whole again."),
        "RateLimitPolicy": text("The limits that apply to the caller."),
        "RetryAfter": {
            "description": "Seconds after which the request may be sent again.",
            "required": true,
            "schema": { "type": "integer", "minimum": 0 },
        },
        "WWWAuthenticate": always("How to say who is calling: `Bearer`."),
        "XRequestId": always("The name of this request in the shop's logs."),
    })
}
