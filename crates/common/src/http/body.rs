//! JSON bodies: bounded, of the right type, with every broken rule named by its field.

use crate::error::{ApiError, FieldError, Kind};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Bytes of a body where no other limit is named.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// How long a client may take to send its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON body of at most `LIMIT` bytes.
pub struct Body<T, const LIMIT: usize = DEFAULT_LIMIT>(pub T);

/// A JSON body that may be left out.
pub struct OptionalBody<T, const LIMIT: usize = DEFAULT_LIMIT>(pub T);

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for Body<T, LIMIT> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (headers, payload) = (check_headers(request, LIMIT), payload.take());
        Box::pin(async move {
            headers?;
            parse(&read(payload, LIMIT).await?).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static, const LIMIT: usize> FromRequest for OptionalBody<T, LIMIT> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (headers, payload) = (check_headers(request, LIMIT), payload.take());
        Box::pin(async move {
            let bytes = read(payload, LIMIT).await?;
            if bytes.is_empty() {
                return Ok(Self(T::default()));
            }
            headers?;
            parse(&bytes).map(Self)
        })
    }
}

fn check_headers(request: &HttpRequest, limit: usize) -> Result<(), ApiError> {
    let content_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if !is_json || !is_utf8 {
        return Err(ApiError::new(Kind::UnsupportedMediaType, "The body must be application/json in UTF-8."));
    }
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(ApiError::new(Kind::UnsupportedMediaType, "The body must not be compressed."));
    }
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(too_large(limit));
    }
    Ok(())
}

/// Reads a body to its end, at most `limit` bytes.
pub async fn read(payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    read_within(READ_TIMEOUT, payload, limit).await
}

/// The same with another time for the client to send it in.
pub async fn read_within(patience: Duration, payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(patience, collect(payload, limit)).await {
        Ok(read) => read,
        Err(_) => {
            Err(ApiError::new(Kind::Malformed, "The body did not arrive in time.").code("body_timeout"))
        }
    }
}

async fn collect(mut payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    let unreadable = |cause| ApiError::new(Kind::Malformed, format!("The body cannot be read: {cause}."));
    let Some(first) = payload.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(unreadable)?;
    if first.len() > limit {
        return Err(too_large(limit));
    }
    let Some(second) = payload.next().await else { return Ok(first) };
    let mut bytes = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(unreadable)?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
        next = payload.next().await;
    }
    Ok(bytes.freeze())
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(Kind::TooLarge, format!("The body must have at most {limit} bytes."))
}

/// Parses JSON; a second, slower pass finds the field only where the first one failed.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A derived struct would take an array for its fields in order; no client means that.
    let is_array = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if is_array && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        return Err(ApiError::invalid_field("", "wrong_type", "must be a JSON object"));
    }
    let failure = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(failure) => failure,
    };
    if !failure.is_data() || serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err() {
        return Err(ApiError::new(Kind::Malformed, format!("The body is not JSON: {failure}."))
            .code("malformed_json"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => Err(ApiError::new(Kind::Malformed, format!("The body is not JSON: {failure}."))),
        Err(located) => Err(ApiError::invalid(vec![field_error(&located)])),
    }
}

/// A value as its type, with the field named that breaks a rule.
pub fn typed<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value).map_err(|located| field_error(&located))
}

fn field_error(located: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let text = located.inner().to_string();
    let rule = text.rsplit_once(" at line ").map_or(text.as_str(), |(rule, _)| rule);
    let mut pointer = String::new();
    for segment in located.path() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            serde_path_to_error::Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => {}
        }
    }
    let named = rule.split('`').nth(1).unwrap_or_default();
    let ends_with_name = pointer.rsplit('/').next() == Some(&escape(named));
    if (rule.starts_with("missing field")
        || rule.starts_with("unknown field")
        || rule.starts_with("duplicate field"))
        && !ends_with_name
    {
        pointer.push_str(&format!("/{}", escape(named)));
    }
    FieldError::new(pointer, rule_code(rule), rule)
}

/// The stable code of a rule that serde states in words.
pub(super) fn rule_code(rule: &str) -> &'static str {
    match rule {
        _ if rule.starts_with("missing field") => "missing_field",
        _ if rule.starts_with("unknown field") => "unknown_field",
        _ if rule.starts_with("duplicate field") => "duplicate_field",
        _ if rule.starts_with("invalid type") => "wrong_type",
        _ => "invalid_value",
    }
}

/// A name as a segment of a JSON Pointer (RFC 6901, section 3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::order::NewOrder;

    fn refused(body: &str) -> FieldError {
        let error = parse::<NewOrder>(body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::Unprocessable, "{error}");
        error.problem().errors.remove(0)
    }

    #[test]
    fn every_broken_rule_is_named_by_its_field() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        for (body, pointer, code) in [
            ("{}".to_owned(), "/customerId", "missing_field"),
            (format!("{{\"customerId\":\"{id}\",\"colour\":1}}"), "/colour", "unknown_field"),
            (format!("{{\"customerId\":\"{id}\",\"a/b\":1}}"), "/a~1b", "unknown_field"),
            ("{\"customerId\":{\"$gt\":\"\"}}".to_owned(), "/customerId", "wrong_type"),
            ("{\"customerId\":\"1\"}".to_owned(), "/customerId", "invalid_value"),
            (
                format!("{{\"customerId\":\"{id}\",\"customerId\":\"{id}\"}}"),
                "/customerId",
                "duplicate_field",
            ),
            (format!("{{\"customerId\":\"{id}\",\"quantity\":0}}"), "/quantity", "invalid_value"),
            (format!("{{\"customerId\":\"{id}\",\"quantity\":1.5}}"), "/quantity", "wrong_type"),
            (
                format!("{{\"customerId\":\"{id}\",\"lines\":[{{\"productId\":\"{id}\",\"quantity\":-1}}]}}"),
                "/lines/0/quantity",
                "invalid_value",
            ),
            (
                format!("{{\"customerId\":\"{id}\",\"lines\":[{{\"productId\":\"{id}\"}}]}}"),
                "/lines/0/quantity",
                "missing_field",
            ),
            (format!("{{\"customerId\":\"{id}\",\"lines\":[[\"{id}\",1]]}}"), "/lines/0", "wrong_type"),
            ("[]".to_owned(), "", "wrong_type"),
        ] {
            let field = refused(&body);
            assert_eq!(
                (field.pointer.as_str(), field.code.as_ref()),
                (pointer, code),
                "{body}: {}",
                field.detail
            );
        }
    }

    #[test]
    fn what_is_not_json_or_too_deep_is_malformed() {
        let deep = "[".repeat(100_000);
        for body in ["", "{", "{\"a\":}", "\u{feff}{}", &deep, "{} {}"] {
            let error = parse::<NewOrder>(body.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), Kind::Malformed, "{body:.20}");
        }
    }
}
