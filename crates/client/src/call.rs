//! One call: its address, its headers, its tries and its answer.

use crate::client::{Identity, Shared};
use crate::error::Error;
use crate::page::{self, Page};
use crate::retry::is_passing;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, RETRY_AFTER,
};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";

/// What a creating call made, or had made before.
#[derive(Clone, Debug)]
pub struct Created<T> {
    pub value: T,
    /// Whether an earlier call with the same idempotency key made it.
    pub replayed: bool,
}

/// A call being put together.
pub(crate) struct Call<'a> {
    shared: &'a Shared,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    /// Whether sending it twice does no more than sending it once.
    repeatable: bool,
    /// The first part that could not be used, told when the call is sent.
    broken: Option<Error>,
}

impl<'a> Call<'a> {
    pub fn new(shared: &'a Shared, method: Method, path: &[&str]) -> Self {
        let mut url = shared.base.clone();
        // An http address always has a path, so there are always segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let repeatable = method.is_safe();
        Self { shared, method, url, headers: HeaderMap::new(), body: None, repeatable, broken: None }
    }

    pub fn query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.url.query_pairs_mut().append_pair(name, &value.to_string());
        }
        self
    }

    /// Every field of this that is not null, as a parameter of the query.
    pub fn parameters(mut self, fields: &impl Serialize) -> Result<Self, Error> {
        let serde_json::Value::Object(fields) = serde_json::to_value(fields)? else { return Ok(self) };
        for (name, value) in fields {
            match value {
                serde_json::Value::Null => {}
                serde_json::Value::String(text) => self = self.query(&name, Some(text)),
                other => self = self.query(&name, Some(other)),
            }
        }
        Ok(self)
    }

    /// A page of at most `limit` entries that follow `after`.
    pub fn page(self, limit: Option<u8>, after: Option<&str>) -> Self {
        self.query("limit", limit).query("after", after)
    }

    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => {
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                self.body = Some(bytes);
            }
            Err(cause) => self.broken = Some(cause.into()),
        }
        self
    }

    /// Names the intention, with a fresh key where the caller has none: every try then carries the same key, so
    /// that repeating it is safe.
    pub fn key(mut self, key: Option<&str>) -> Self {
        let key = key.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        let visible = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        match HeaderValue::from_str(&key) {
            Ok(value) if visible => {
                self.headers.insert(IDEMPOTENCY_KEY, value);
                self.repeatable = true;
            }
            _ => {
                let rule = "an idempotency key must have 1 to 255 visible ASCII characters";
                self.broken = Some(Error::Configuration(rule.into()));
            }
        }
        self
    }

    /// Changes nothing unless the resource is at this version.
    pub fn if_match(mut self, version: Option<i64>) -> Self {
        if let Some(value) = version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok())
        {
            self.headers.insert(IF_MATCH, value);
        }
        self
    }

    /// Sending it twice does no more than sending it once, though it carries no key.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Sends it as whom the client was built for.
    pub async fn send(self) -> Result<Answer, Error> {
        let Identity::LoggedIn(session) = &self.shared.identity else {
            return self.exchange(self.bearer().await?.as_ref()).await;
        };
        let token = session.token(self.shared, None).await?;
        match self.exchange(Some(&token)).await {
            Err(Error::Problem { status: 401, .. }) => {
                let renewed = session.token(self.shared, Some(&token)).await?;
                self.exchange(Some(&renewed)).await
            }
            outcome => outcome,
        }
    }

    /// The token that a call is sent with.
    async fn bearer(&self) -> Result<Option<Arc<str>>, Error> {
        match &self.shared.identity {
            Identity::Nobody => Ok(None),
            Identity::Bearer(token) => Ok(Some(token.clone())),
            Identity::LoggedIn(session) => session.token(self.shared, None).await.map(Some),
        }
    }

    /// Sends it once, with a body that cannot be sent again, and answers before the answer is read to its end. Takes
    /// as long as `limit`.
    pub async fn stream(self, body: Option<Body>, limit: Duration) -> Result<Response, Error> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let token = self.bearer().await?;
        let mut request = self.request(token.as_deref()).timeout(limit);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(Error::answered(status, &response.bytes().await?))
    }

    /// A header of the request.
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Sends it with this token, again after a pause while the failure may pass.
    pub async fn exchange(&self, token: Option<&Arc<str>>) -> Result<Answer, Error> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let mut tried = 0;
        loop {
            let failure = match self.attempt(token.map(|token| &**token)).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tried += 1;
            // Where no randomness is to be had the pauses are merely equal.
            let random = getrandom::u32().unwrap_or_default();
            let pause = self.shared.retry.pause(tried, failure.retry_after, random);
            match pause {
                Some(pause) if failure.never_arrived || (failure.may_pass && self.repeatable) => {
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(failure.error),
            }
        }
    }

    async fn attempt(&self, token: Option<&str>) -> Result<Answer, Failure> {
        let answer = self.fetch(token).await.map_err(Failure::unanswered)?;
        if answer.status.is_success() { Ok(answer) } else { Err(Failure::answered(&answer)) }
    }

    /// One try, whatever its status.
    pub async fn fetch(&self, token: Option<&str>) -> Result<Answer, reqwest::Error> {
        let mut request = self.request(token);
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        Ok(Answer { status, headers, body, base: self.shared.base.clone() })
    }

    fn request(&self, token: Option<&str>) -> RequestBuilder {
        let request =
            self.shared.http.request(self.method.clone(), self.url.clone()).headers(self.headers.clone());
        match token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }
}

struct Failure {
    error: Error,
    /// Whether the next try may succeed.
    may_pass: bool,
    /// Whether the service surely did nothing with it.
    never_arrived: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    fn unanswered(cause: reqwest::Error) -> Self {
        let never_arrived = cause.is_connect();
        Self { error: cause.into(), may_pass: true, never_arrived, retry_after: None }
    }

    fn answered(answer: &Answer) -> Self {
        let seconds = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Self {
            error: answer.refusal(),
            may_pass: is_passing(answer.status.as_u16()),
            never_arrived: answer.status == StatusCode::TOO_MANY_REQUESTS,
            retry_after: seconds.map(Duration::from_secs),
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    base: Url,
}

impl Answer {
    pub fn refusal(&self) -> Error {
        Error::answered(self.status, &self.body)
    }

    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    pub fn created<T: DeserializeOwned>(&self) -> Result<Created<T>, Error> {
        let replayed = self.headers.get(IDEMPOTENCY_REPLAYED).is_some_and(|value| value == "true");
        Ok(Created { value: self.decode()?, replayed })
    }

    pub fn page<T: DeserializeOwned>(&self) -> Result<Page<T>, Error> {
        Ok(Page { items: self.decode()?, next: page::next_cursor(&self.headers, &self.base) })
    }
}
