//! Which headers cross the gateway, each way. The two sides use two versions of the `http` crate, hence the copies.

use actix_web::HttpRequest;
use actix_web::http::header as inside;
use common::context;
use common::http::peer::SERVICE_TOKEN;
use common::http::request::{DEADLINE_MS, REQUEST_ID, TRACEPARENT};
use reqwest::header as outside;
use std::net::IpAddr;

/// For one connection only (RFC 9110, section 7.6.1), or about a body that is framed and coded anew.
const HOP_BY_HOP: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a browser may do with an answer that is data; a page of our own brings its own rules.
const DATA_POLICY: inside::HeaderValue =
    inside::HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// What a browser must not do with any answer.
const SECURITY: [(&str, &str); 3] =
    [("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")];

/// Whether only our own side may set it. What is ours we set anew; what we do not use must not reach a service either.
fn is_ours(name: &str) -> bool {
    name.starts_with("x-user-")
        || name.starts_with("x-forwarded-")
        || matches!(name, "forwarded" | "x-real-ip" | SERVICE_TOKEN)
        || name == DEADLINE_MS.as_str()
        || name == REQUEST_ID.as_str()
        || name == TRACEPARENT.as_str()
}

/// The headers of a request on its way to a service, without the deadline, which each try sets. `client` is whose address
/// it comes from.
pub fn to_service(request: &HttpRequest, client: IpAddr) -> outside::HeaderMap {
    let connection = request.headers().get_all(inside::CONNECTION);
    let named = names_in(connection.map(inside::HeaderValue::as_bytes));
    let mut headers = outside::HeaderMap::with_capacity(request.headers().len() + 2);
    for (name, value) in request.headers() {
        if !is_dropped(name.as_str(), &named) && !is_ours(name.as_str()) {
            append(&mut headers, name.as_str(), value.as_bytes());
        }
    }
    append(&mut headers, "x-forwarded-for", client.to_string().as_bytes());
    if let Some(context) = context::current() {
        append(&mut headers, REQUEST_ID.as_str(), context.request_id.as_bytes());
        if let Some(traceparent) = &context.traceparent {
            append(&mut headers, TRACEPARENT.as_str(), traceparent.as_bytes());
        }
    }
    headers
}

fn append(headers: &mut outside::HeaderMap, name: &str, value: &[u8]) {
    let name = outside::HeaderName::from_bytes(name.as_bytes());
    // Both sides hold to the same grammar; what is none on the other side is left out.
    if let (Ok(name), Ok(value)) = (name, outside::HeaderValue::from_bytes(value)) {
        headers.append(name, value);
    }
}

/// The headers of an answer on its way to the client.
pub fn to_client(
    answer: &outside::HeaderMap,
) -> impl Iterator<Item = (inside::HeaderName, inside::HeaderValue)> {
    let connection = answer.get_all(outside::CONNECTION);
    let named = names_in(connection.iter().map(outside::HeaderValue::as_bytes));
    // What a service answers is data.
    let passes = move |name: &outside::HeaderName| {
        !is_dropped(name.as_str(), &named) && *name != outside::CONTENT_SECURITY_POLICY
    };
    answer.iter().filter(move |(name, _)| passes(name)).filter_map(|(name, value)| {
        let name = inside::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        Some((name, inside::HeaderValue::from_bytes(value.as_bytes()).ok()?))
    })
}

/// Adds what every answer carries; how long to come back by HTTPS alone where `strict_transport_s` is not 0.
pub fn secure(headers: &mut inside::HeaderMap, strict_transport_s: u32) {
    if strict_transport_s > 0
        && let Ok(value) = inside::HeaderValue::try_from(format!("max-age={strict_transport_s}"))
    {
        headers.insert(inside::STRICT_TRANSPORT_SECURITY, value);
    }
    if !headers.contains_key(inside::CONTENT_SECURITY_POLICY) {
        headers.insert(inside::CONTENT_SECURITY_POLICY, DATA_POLICY);
    }
    for (name, value) in SECURITY {
        headers.insert(inside::HeaderName::from_static(name), inside::HeaderValue::from_static(value));
    }
}

fn is_dropped(name: &str, named: &[String]) -> bool {
    HOP_BY_HOP.contains(&name) || named.iter().any(|dropped| dropped == name)
}

/// The headers that `Connection` declares to be for this connection only.
fn names_in<'a>(connection: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let names = connection.flat_map(|value| value.split(|byte| *byte == b','));
    names.map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase()).collect()
}
