//! Conditional requests: entity tags made of versions (RFC 9110, section 13).

use crate::error::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};

/// The version a client believes is current; `None` where it sent no `If-Match`, or `*`.
#[derive(Clone, Copy, Debug)]
pub struct IfMatch(pub Option<i64>);

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.headers().get(header::IF_MATCH)).map(Self))
    }
}

fn parse(value: Option<&HeaderValue>) -> Result<Option<i64>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    // What a tag of a representation says beyond the version is nothing that a change can touch.
    let version = quoted.map(|tag| tag.split_once('.').map_or(tag, |(version, _)| version));
    let version = version.and_then(|version| version.parse().ok());
    version.map(Some).ok_or_else(|| {
        ApiError::invalid_field(
            "header:If-Match",
            "invalid_value",
            "must be an entity tag as it came in ETag, such as \"3\"",
        )
    })
}

/// Whether the client has the representation of this tag already (`If-None-Match`, RFC 9110, section 13.1.2).
pub fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let mut tags = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// The entity tag of what is shown of a version together with what moves without it: `"3.17"`.
pub fn representation_tag(version: i64, moving: impl std::fmt::Display) -> String {
    format!("\"{version}.{moving}\"")
}

/// The entity tag of a version: `"3"`.
pub fn entity_tag(version: i64) -> (header::HeaderName, String) {
    (header::ETAG, format!("\"{version}\""))
}
