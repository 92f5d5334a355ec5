//! `Idempotency-Key`: a client's name for one intention, so that repeating it changes nothing.

use crate::error::ApiError;
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use std::future::{Ready, ready};

pub const HEADER: &str = "idempotency-key";

/// Says that an answer repeats an earlier one.
pub const REPLAYED: (&str, &str) = ("idempotency-replayed", "true");

/// 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The key, where the client sent one.
pub struct OptionalKey(pub Option<IdempotencyKey>);

impl FromRequest for OptionalKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(HEADER);
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None)
                if (1..=255).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic) =>
            {
                Ok(Self(Some(IdempotencyKey(String::from_utf8_lossy(value.as_bytes()).into_owned()))))
            }
            _ => Err(ApiError::invalid_field(
                "header:Idempotency-Key",
                "invalid_value",
                "must stand once, with 1 to 255 visible ASCII characters",
            )),
        };
        ready(key)
    }
}

/// Marks an answer as the repetition of an earlier one.
#[must_use]
pub fn replay(mut response: HttpResponse) -> HttpResponse {
    let (name, value) = REPLAYED;
    response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    response
}
