//! Who a request counts against: the account or API key that it proves, or nobody.

use crate::limits::Who;
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use common::auth::api_key::{ApiKeyText, ApiKeys};
use common::auth::token::{TokenError, TokenVerifier};
use std::time::Duration;

/// How long to wait for keys that are not there yet.
const PATIENCE: Duration = Duration::from_millis(20);

/// Tells callers apart. It lets nobody in: that is the services' to decide.
pub struct Callers {
    tokens: TokenVerifier,
}

impl Callers {
    pub fn new(tokens: TokenVerifier) -> Self {
        Self { tokens }
    }

    /// `None` for a request that bears nothing, or nothing good.
    ///
    /// An API key is taken at its word, for the services alone can check it: its bucket is that of its whole text, so that
    /// nobody drains another's by its name, and the address counts whatever is borne.
    pub async fn of(&self, request: &HttpRequest) -> Option<Who> {
        let bearer = bearer(request)?;
        if ApiKeys::claims(bearer) {
            let key = ApiKeyText::parse(bearer)?;
            return key.secret_hash().first_chunk().copied().map(Who::Identity);
        }
        match tokio::time::timeout(PATIENCE, self.tokens.verify(bearer)).await {
            Ok(Ok(person)) => Some(Who::Identity(*person.customer_id.as_bytes())),
            Ok(Err(TokenError::Invalid | TokenError::Expired | TokenError::NoKeys)) | Err(_) => None,
        }
    }
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let text = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
