//! The client itself: where it calls, as whom, and how patiently.

use crate::call::Call;
use crate::error::Error;
use crate::retry::RetryPolicy;
use crate::session::Session;
use common::models::auth::LogIn;
use reqwest::{Method, Url};
use std::sync::Arc;
use std::time::Duration;

/// One gateway, and whom the calls are made as; cheap to clone, all clones share connections and log-in.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub http: reqwest::Client,
    pub base: Url,
    pub identity: Identity,
    pub retry: RetryPolicy,
}

/// As whom the calls are made.
pub(crate) enum Identity {
    Nobody,
    Bearer(Arc<str>),
    LoggedIn(Session),
}

impl Client {
    /// Starts a client of the gateway at `base_url`, such as `http://127.0.0.1:3000`.
    pub fn builder(base_url: &str) -> Builder {
        Builder {
            base_url: base_url.to_owned(),
            timeout: Duration::from_secs(10),
            retries: 4,
            identity: RequestedIdentity::Nobody,
        }
    }

    pub(crate) fn call(&self, method: Method, path: &[&str]) -> Call<'_> {
        Call::new(&self.shared, method, path)
    }
}

/// What a [`Client`] is built from.
pub struct Builder {
    base_url: String,
    timeout: Duration,
    retries: u32,
    identity: RequestedIdentity,
}

enum RequestedIdentity {
    Nobody,
    Bearer(String),
    Credentials { email: String, password: String },
}

impl Builder {
    /// Logs in at the first call that needs it, renews before the token expires, and once more after a 401.
    #[must_use]
    pub fn credentials(self, email: &str, password: &str) -> Self {
        let identity =
            RequestedIdentity::Credentials { email: email.to_owned(), password: password.to_owned() };
        Self { identity, ..self }
    }

    /// Calls with this access token, which is never renewed.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        Self { identity: RequestedIdentity::Bearer(token.to_owned()), ..self }
    }

    /// Longest that one try may take; 10 s where it is not set.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Most tries after the first one; 4 where it is not set.
    #[must_use]
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// # Errors
    /// [`Error::Configuration`] for an address, credentials or a token that cannot be used. Nothing is sent yet.
    pub fn build(self) -> Result<Client, Error> {
        let base = parse_base(&self.base_url)?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("oms-client/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.timeout.min(Duration::from_secs(3)))
            .timeout(self.timeout)
            // Shorter than the gateway's keep-alive of 75 s, or a reused connection could die under a POST.
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_nodelay(true)
            .build()
            .map_err(|cause| Error::Configuration(cause.to_string()))?;
        let identity = self.identity.parse()?;
        let retry = RetryPolicy { retries: self.retries };
        Ok(Client { shared: Arc::new(Shared { http, base, identity, retry }) })
    }
}

impl RequestedIdentity {
    fn parse(self) -> Result<Identity, Error> {
        match self {
            Self::Nobody => Ok(Identity::Nobody),
            Self::Bearer(token) if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Identity::Bearer(token.into()))
            }
            Self::Bearer(_) => Err(Error::Configuration("the token is not a bearer token".into())),
            Self::Credentials { email, password } => {
                let email = email.parse().map_err(|rule| Error::Configuration(format!("email {rule}")))?;
                let password =
                    password.parse().map_err(|rule| Error::Configuration(format!("password {rule}")))?;
                Ok(Identity::LoggedIn(Session::new(LogIn { email, password })))
            }
        }
    }
}

fn parse_base(text: &str) -> Result<Url, Error> {
    let base = Url::parse(text)
        .map_err(|cause| Error::Configuration(format!("base URL {text:?} cannot be used: {cause}")))?;
    let refuse = |rule: &str| Err(Error::Configuration(format!("base URL {text:?} {rule}")));
    match base.scheme() {
        "http" => {}
        "https" if cfg!(feature = "https") => {}
        "https" => return refuse("needs the feature `https` of oms-client"),
        _ => return refuse("must begin with http:// or https://"),
    }
    if base.query().is_some() || base.fragment().is_some() || !base.username().is_empty() {
        return refuse("must have no query, fragment or user");
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_refused_before_anything_is_sent() {
        let refused = |builder: Builder| matches!(builder.build(), Err(Error::Configuration(_)));
        for address in
            ["", "127.0.0.1:3000", "ftp://shop", "http://shop?x=1", "http://shop#x", "http://a:b@shop"]
        {
            assert!(refused(Client::builder(address)), "{address}");
        }
        assert!(refused(Client::builder("http://shop").credentials("nobody", "correct horse")));
        assert!(refused(Client::builder("http://shop").credentials("ada@example.org", "short")));
        assert!(refused(Client::builder("http://shop").bearer("two words")));
        assert!(Client::builder("http://shop/api/").bearer("a.b.c").build().is_ok());
    }
}
