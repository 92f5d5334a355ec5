//! The person behind a request, and what they may touch.

use super::token::{TokenError, TokenVerifier};
use crate::error::ApiError;
use crate::ids::{CustomerId, SessionId};
use crate::models::auth::Role;
use crate::time::Timestamp;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

/// Who is calling, by their access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub customer_id: CustomerId,
    pub role: Role,
    pub session_id: SessionId,
    /// Seconds since the Unix epoch, as is `expires_at_s`.
    pub issued_at_s: i64,
    pub expires_at_s: i64,
}

impl Caller {
    /// Refuses who is less than `role`.
    pub fn require(&self, role: Role) -> Result<(), ApiError> {
        if self.role >= role { Ok(()) } else { Err(ApiError::forbidden()) }
    }

    pub fn is_staff(&self) -> bool {
        self.role >= Role::Staff
    }

    /// Whether this caller may see and act for this customer: their own, or staff.
    pub fn may_act_for(&self, customer: CustomerId) -> bool {
        self.customer_id == customer || self.is_staff()
    }

    /// Whether the token was issued within the last `seconds`: its account was active then.
    pub fn is_fresh(&self, seconds: i64) -> bool {
        Timestamp::now().as_millis() / 1000 - self.issued_at_s <= seconds
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = bearer(request).map(str::to_owned);
        let verifier = request.app_data::<Data<TokenVerifier>>().cloned();
        Box::pin(async move {
            let verifier =
                verifier.ok_or_else(|| ApiError::internal(anyhow::anyhow!("no token verifier is wired")))?;
            Ok(verifier.verify(&token?).await?)
        })
    }
}

/// A caller where there is a token; a token that is there must be valid.
pub struct OptionalCaller(pub Option<Caller>);

impl FromRequest for OptionalCaller {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            return Box::pin(std::future::ready(Ok(Self(None))));
        }
        let caller = Caller::from_request(request, payload);
        Box::pin(async move { Ok(Self(Some(caller.await?))) })
    }
}

/// The one bearer token of a request (RFC 6750, section 2.1).
fn bearer(request: &HttpRequest) -> Result<&str, ApiError> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(TokenError::Invalid.into());
    };
    let text = value.to_str().map_err(|_| TokenError::Invalid)?;
    let (scheme, token) = text.split_once(' ').ok_or(TokenError::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(TokenError::Invalid.into())
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::unauthenticated("A valid access token is needed."),
            TokenError::Expired => {
                Self::unauthenticated("The access token has expired.").code("token_expired")
            }
            TokenError::NoKeys => Self::unavailable(),
        }
    }
}
