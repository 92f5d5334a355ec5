//! Sessions by hand, and whether the shop is open. A client with credentials needs none of the former.

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::session;
use common::models::auth::{LogIn, RefreshToken, TokenPair};
use common::models::health::ShopHealth;
use reqwest::Method;

impl Client {
    /// `POST /auth/login`
    pub async fn log_in(&self, credentials: &LogIn) -> Result<TokenPair, Error> {
        session::log_in(&self.shared, credentials).await
    }

    /// `POST /auth/refresh`: the successor of a refresh token, which is used up by it.
    pub async fn refresh(&self, refresh_token: &str) -> Result<TokenPair, Error> {
        session::refresh(&self.shared, refresh_token).await
    }

    /// `POST /auth/logout`: ends the session of this refresh token.
    pub async fn log_out(&self, refresh_token: &str) -> Result<(), Error> {
        let body = RefreshToken { refresh_token: refresh_token.to_owned() };
        let call = Call::new(&self.shared, Method::POST, &["auth", "logout"]).json(&body).repeatable();
        call.exchange(None).await.map(drop)
    }

    /// `GET /healthz`: is the shop open? A closed shop is an answer here, not an error, and is not asked again.
    pub async fn healthz(&self) -> Result<ShopHealth, Error> {
        let answer = self.call(Method::GET, &["healthz"]).fetch(None).await?;
        answer.decode().map_err(|_| answer.refusal())
    }
}
