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
        ready(path_id(request, "id").map(Self))
    }
}

/// The path's segment of this name.
pub fn path_id<T>(request: &HttpRequest, name: &str) -> Result<T, ApiError>
where
    T: FromStr,
    T::Err: Display,
{
    let text = request.match_info().get(name).unwrap_or_default();
    text.parse().map_err(|rule| ApiError::invalid_field(format!("path:{name}"), "invalid_id", rule))
}
