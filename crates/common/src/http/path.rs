//! Path parameters.

use crate::error::ApiError;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

/// The path's `{id}`.
pub struct PathId<T>(pub T);

impl<T> FromRequest for PathId<T>
where
    T: FromStr,
    T::Err: Display,
{
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("id").unwrap_or_default();
        ready(text.parse().map(Self).map_err(|rule| ApiError::invalid_field("path:id", "invalid_id", rule)))
    }
}
