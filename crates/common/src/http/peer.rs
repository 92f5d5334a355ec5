//! Calling another service: a client with every time-out set, the caller's context in the headers, typed failures.

use super::request::{DEADLINE_MS, REQUEST_ID, TRACEPARENT};
use crate::context;
use crate::error::Problem;
use crate::mongo::jitter;
use crate::traces;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};

/// The header that proves a call comes from one of our services.
pub const SERVICE_TOKEN: &str = "x-service-token";

/// Longest that a call may take where no request's deadline is known.
const DEFAULT_BUDGET: Duration = Duration::from_secs(5);

/// A client for calls inside the system that keeps idle connections for twenty seconds.
pub fn client() -> anyhow::Result<Client> {
    client_with_idle(Duration::from_secs(20))
}

/// A client for calls inside the system: no proxy, no redirects, a short time to connect. The pool forgets an idle
/// connection long before a server closes it, or a reused one would die under a POST.
pub fn client_with_idle(idle: Duration) -> anyhow::Result<Client> {
    Ok(Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_millis(300))
        .timeout(Duration::from_secs(60))
        .pool_idle_timeout(idle)
        .tcp_nodelay(true)
        .build()?)
}

/// How long a call waits for a peer that takes no connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// Why a peer gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It did not answer, or said 429 or 5xx. What it did is not known; the same call may be made again.
    #[error("{peer} does not answer: {cause}")]
    Unavailable { peer: &'static str, cause: String },
    /// It understood and said no.
    #[error("{peer} answered {status} {}", .problem.as_ref().map_or("", |problem| problem.code.as_ref()))]
    Refused { peer: &'static str, status: u16, problem: Option<Box<Problem>> },
    /// It answered something that is not in the contract.
    #[error("{peer} answered what it must not: {cause}")]
    Broken { peer: &'static str, cause: String },
}

impl From<PeerError> for crate::error::ApiError {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Unavailable { .. } => Self::unavailable().caused_by(error),
            PeerError::Refused { .. } | PeerError::Broken { .. } => Self::internal(error),
        }
    }
}

/// Sends a request; where the peer takes no connection, waits for it to come back, as after a restart. Nothing was sent
/// then, so this repeats nothing.
async fn send_when_connected(request: RequestBuilder) -> Result<Response, reqwest::Error> {
    let patient_until = Instant::now() + context::time_left(DEFAULT_BUDGET).min(CONNECT_PATIENCE);
    let mut pause = Duration::from_millis(10);
    loop {
        let Some(attempt) = request.try_clone() else { return request.send().await };
        match attempt.send().await {
            Err(failure) if failure.is_connect() && Instant::now() + pause < patient_until => {
                tokio::time::sleep(jitter(pause)).await;
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            outcome => return outcome,
        }
    }
}

/// One service, as seen by the others.
#[derive(Clone)]
pub struct Peer {
    name: &'static str,
    base_url: String,
    client: Client,
    token: SecretString,
}

impl Peer {
    /// `base_url` has no slash at its end, for example `http://127.0.0.1:3103`.
    pub fn new(name: &'static str, base_url: &str, token: SecretString) -> anyhow::Result<Self> {
        Ok(Self { name, base_url: base_url.trim_end_matches('/').to_owned(), client: client()?, token })
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, PeerError> {
        self.send(self.client.get(format!("{}{path}", self.base_url))).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, PeerError> {
        self.send(self.client.post(format!("{}{path}", self.base_url)).json(body)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, PeerError> {
        let peer = self.name;
        let response = send_when_connected(self.prepare(request)).await.map_err(|cause| {
            PeerError::Unavailable { peer, cause: format!("{:#}", anyhow::Error::from(cause)) }
        })?;
        let status = response.status();
        let body = response.bytes().await.map_err(|cause| PeerError::Unavailable {
            peer,
            cause: format!("{:#}", anyhow::Error::from(cause)),
        })?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|cause| PeerError::Broken { peer, cause: cause.to_string() });
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(PeerError::Unavailable { peer, cause: format!("status {status}") });
        }
        // A body that is no problem document leaves the status to speak.
        let problem = serde_json::from_slice(&body).ok().map(Box::new);
        Err(PeerError::Refused { peer, status: status.as_u16(), problem })
    }

    fn prepare(&self, request: RequestBuilder) -> RequestBuilder {
        let left = context::time_left(DEFAULT_BUDGET);
        let mut request = request
            .timeout(left)
            .header(SERVICE_TOKEN, self.token.expose_secret())
            .header(DEADLINE_MS.as_str(), left.as_millis().to_string());
        if let Some(context) = context::current() {
            request = request.header(REQUEST_ID.as_str(), &*context.request_id);
        }
        match traces::traceparent() {
            Some(own) => request.header(TRACEPARENT.as_str(), own),
            None => match context::current().and_then(|context| context.traceparent) {
                Some(passed_on) => request.header(TRACEPARENT.as_str(), &*passed_on),
                None => request,
            },
        }
    }
}
