//! Calls between services carry a secret that all of them share; two are accepted at once, so that it can be rotated.

use crate::config::Environment;
use crate::error::ApiError;
use crate::http::peer::SERVICE_TOKEN;
use actix_web::ResponseError;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use anyhow::ensure;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// The token of every `default.toml`.
const DEVELOPMENT_TOKEN: &str = "development-service-token";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InternalSettings {
    /// The first is sent, all are accepted; one or two, each of 16 characters or more.
    pub tokens: Vec<SecretString>,
}

/// Tokens that let a call in.
#[derive(Clone)]
pub struct ServiceTokens {
    tokens: Vec<SecretString>,
}

impl ServiceTokens {
    /// Refuses tokens that are too short, and in production the one that stands in every `default.toml`.
    pub fn new(settings: &InternalSettings, environment: Environment) -> anyhow::Result<Self> {
        let tokens = settings.tokens.clone();
        ensure!(
            (1..=2).contains(&tokens.len()),
            "internal.tokens (OMS_SERVICE_TOKENS) must name one or two tokens"
        );
        let long_enough = tokens.iter().all(|token| token.expose_secret().len() >= 16);
        ensure!(long_enough, "internal.tokens (OMS_SERVICE_TOKENS): a token must have 16 characters or more");
        let is_well_known = tokens.iter().any(|token| token.expose_secret() == DEVELOPMENT_TOKEN);
        ensure!(
            environment == Environment::Development || !is_well_known,
            "in production internal.tokens (OMS_SERVICE_TOKENS) must be secrets of your own, not the one of the defaults"
        );
        Ok(Self { tokens })
    }

    /// The token that this service sends.
    pub fn own(&self) -> SecretString {
        self.tokens.first().cloned().unwrap_or_default()
    }

    fn accept(&self, presented: &[u8]) -> bool {
        // Every token is compared whole, so that the time taken says nothing of how much was right.
        self.tokens.iter().fold(false, |accepted, token| {
            accepted | bool::from(token.expose_secret().as_bytes().ct_eq(presented))
        })
    }
}

/// Middleware: lets only our own services pass.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let presented =
        request.headers().get(SERVICE_TOKEN).map(|token| token.as_bytes().to_vec()).unwrap_or_default();
    let accepted = request.app_data::<Data<ServiceTokens>>().is_some_and(|tokens| tokens.accept(&presented));
    if !accepted {
        let refusal = ApiError::unauthenticated("A service token is needed.").error_response();
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokens: &[&str], environment: Environment) -> anyhow::Result<ServiceTokens> {
        let tokens = tokens.iter().map(|token| SecretString::from(*token)).collect();
        ServiceTokens::new(&InternalSettings { tokens }, environment)
    }

    #[test]
    fn two_tokens_are_accepted_at_once_and_the_first_is_sent() {
        let tokens =
            tokens(&["the-new-service-token", "the-old-service-token"], Environment::Production).unwrap();
        assert!(tokens.accept(b"the-new-service-token") && tokens.accept(b"the-old-service-token"));
        assert!(!tokens.accept(b"") && !tokens.accept(b"the-new-service-toke") && !tokens.accept(b"another"));
        assert_eq!(tokens.own().expose_secret(), "the-new-service-token");
    }

    #[test]
    fn short_many_or_well_known_tokens_stop_the_start() {
        use Environment::{Development, Production};
        assert!(tokens(&[], Development).is_err());
        assert!(tokens(&["short"], Development).is_err());
        assert!(tokens(&[DEVELOPMENT_TOKEN; 3], Development).is_err());
        assert!(tokens(&[DEVELOPMENT_TOKEN], Development).is_ok());
        assert!(tokens(&[DEVELOPMENT_TOKEN], Production).is_err());
    }
}
