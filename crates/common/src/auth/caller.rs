//! Who is behind a request, a person or a machine, and what they may touch.

use super::api_key::ApiKeys;
use super::token::{TokenError, TokenVerifier};
use crate::error::{ApiError, Kind};
use crate::ids::{ApiKeyId, CustomerId, SessionId};
use crate::models::auth::{Role, Scope};
use crate::time::Timestamp;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use std::collections::BTreeSet;
use std::fmt;

/// Who is calling, by their access token or their API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Person(Person),
    Machine(Machine),
}

/// The bearer of an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub customer_id: CustomerId,
    pub role: Role,
    pub session_id: SessionId,
    /// Seconds since the Unix epoch, as is `expires_at_s`.
    pub issued_at_s: i64,
    pub expires_at_s: i64,
}

/// The bearer of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub key_id: ApiKeyId,
    pub scopes: BTreeSet<Scope>,
}

/// Who did something, as it is recorded: a customer's identity, or `key:` and an API key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Person(CustomerId),
    Machine(ApiKeyId),
}

impl Actor {
    pub const fn as_bytes(&self) -> &[u8; 16] {
        match self {
            Self::Person(id) => id.as_bytes(),
            Self::Machine(id) => id.as_bytes(),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => id.fmt(f),
            Self::Machine(id) => write!(f, "key:{id}"),
        }
    }
}

impl Person {
    /// Whether the token was issued within the last `seconds`: its account was active then.
    pub fn is_fresh(&self, seconds: i64) -> bool {
        Timestamp::now().as_millis() / 1000 - self.issued_at_s <= seconds
    }
}

impl Caller {
    /// The account that calls; a machine has none.
    pub fn customer_id(&self) -> Option<CustomerId> {
        match self {
            Self::Person(person) => Some(person.customer_id),
            Self::Machine(_) => None,
        }
    }

    pub fn is(&self, customer: CustomerId) -> bool {
        self.customer_id() == Some(customer)
    }

    pub fn actor(&self) -> Actor {
        match self {
            Self::Person(person) => Actor::Person(person.customer_id),
            Self::Machine(machine) => Actor::Machine(machine.key_id),
        }
    }

    /// The power over other accounts: a machine never has more than staff.
    pub fn power(&self) -> Role {
        match self {
            Self::Person(person) => person.role,
            Self::Machine(_) => Role::Staff,
        }
    }

    /// Whether this caller may do it with everyone's things.
    pub fn holds(&self, scope: Scope) -> bool {
        match self {
            Self::Person(person) => person.role.holds(scope),
            Self::Machine(machine) => machine.scopes.contains(&scope),
        }
    }

    /// Refuses who does not hold the scope.
    pub fn require_scope(&self, scope: Scope) -> Result<(), ApiError> {
        if self.holds(scope) { Ok(()) } else { Err(self.forbidden(scope)) }
    }

    /// Refuses everyone but administrators: roles and keys are no machine's to give.
    pub fn require_admin(&self) -> Result<&Person, ApiError> {
        match self {
            Self::Person(person) if person.role >= Role::Admin => Ok(person),
            _ => Err(ApiError::forbidden()),
        }
    }

    /// Whether this caller may do it with what is this customer's: their own, or by scope.
    pub fn may_act_for(&self, customer: CustomerId, scope: Scope) -> bool {
        self.is(customer) || self.holds(scope)
    }

    /// Refuses who may not act for this customer; what belongs to someone else does not exist for them.
    pub fn require_for(&self, customer: CustomerId, scope: Scope, what: &str) -> Result<(), ApiError> {
        if self.may_act_for(customer, scope) { Ok(()) } else { Err(self.hidden(scope, what)) }
    }

    /// 403 with what is missing.
    pub fn forbidden(&self, scope: Scope) -> ApiError {
        match self {
            Self::Person(_) => ApiError::forbidden(),
            Self::Machine(_) => {
                ApiError::new(Kind::Forbidden, format!("The API key lacks the scope {scope}."))
                    .code("insufficient_scope")
            }
        }
    }

    /// The answer to a caller who may not see something, or where it is not there: the same, so that nobody learns which.
    pub fn hidden(&self, scope: Scope, what: &str) -> ApiError {
        match self {
            Self::Machine(machine) if !machine.scopes.contains(&scope) => self.forbidden(scope),
            _ => ApiError::not_found(what),
        }
    }
}

/// Turns what a request bears into a caller.
pub struct Authenticator {
    tokens: TokenVerifier,
    api_keys: ApiKeys,
}

impl Authenticator {
    pub fn new(tokens: TokenVerifier, api_keys: ApiKeys) -> Self {
        Self { tokens, api_keys }
    }

    async fn authenticate(&self, bearer: &str) -> Result<Caller, ApiError> {
        if ApiKeys::claims(bearer) {
            let grant = self.api_keys.verify(bearer).await?;
            return Ok(Caller::Machine(Machine { key_id: grant.id, scopes: grant.scopes }));
        }
        Ok(Caller::Person(self.tokens.verify(bearer).await?))
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let bearer = bearer(request).map(str::to_owned);
        let authenticator = request.app_data::<Data<Authenticator>>().cloned();
        Box::pin(async move {
            let authenticator = authenticator
                .ok_or_else(|| ApiError::internal(anyhow::anyhow!("no authenticator is wired")))?;
            authenticator.authenticate(&bearer?).await
        })
    }
}

/// A caller where there is a token or a key; one that is there must be valid.
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
            TokenError::Invalid => Self::unauthenticated("A valid access token or API key is needed."),
            TokenError::Expired => {
                Self::unauthenticated("The access token has expired.").code("token_expired")
            }
            TokenError::NoKeys => Self::unavailable(),
        }
    }
}
