//! Forwarding: one request, at most a few tries, one deadline.

use super::target::Target;
use super::{Service, headers};
use crate::config::{ProxySettings, Settings};
use crate::retry_budget::RetryBudget;
use crate::upstream::Upstream;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use common::error::{ApiError, Kind};
use common::http::idempotency;
use common::http::request::DEADLINE_MS;
use common::mongo::jitter;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Url};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Pause before a request is sent again, about.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// First pause before a service that takes no connection is tried again, about; it grows to [`RETRY_PAUSE`].
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// The way to the services.
pub struct Proxy {
    pub(super) client: Client,
    order: Upstream,
    customer: Upstream,
    product: Upstream,
    settings: ProxySettings,
    budget: RetryBudget,
}

/// A request as every try sends it.
pub(super) struct Outgoing {
    pub method: reqwest::Method,
    pub url: Url,
    pub headers: HeaderMap,
    body: Bytes,
}

/// An answer of a service, read whole.
pub struct Answer {
    pub head: HttpResponseBuilder,
    pub body: Bytes,
}

impl Proxy {
    pub fn new(client: Client, settings: &Settings) -> anyhow::Result<Self> {
        let upstream = |service| Upstream::new(service, &settings.upstreams, &settings.breaker);
        Ok(Self {
            client,
            order: upstream(Service::Order)?,
            customer: upstream(Service::Customer)?,
            product: upstream(Service::Product)?,
            settings: settings.proxy,
            budget: RetryBudget::default(),
        })
    }

    /// Sends the request to its service and answers what that answers. A request that met no connection waits for one,
    /// whatever it is; one that was sent and not answered is sent again only where it reads, or is a POST that names its
    /// intention, and only while time is left; a time-out undoes nothing and is told as it is.
    pub async fn forward(
        &self,
        service: Service,
        client: IpAddr,
        request: &HttpRequest,
        target: Target<'_>,
        body: Bytes,
    ) -> Result<Answer, ApiError> {
        let upstream = self.upstream(service);
        let outgoing = outgoing(upstream, client, request, target, body)?;
        let _pass = upstream.admit()?;
        self.budget.deposit();
        let answered = self.send(upstream, request.method(), &outgoing).await;
        match answered {
            Ok(answer) => {
                upstream.answered();
                Ok(answer)
            }
            Err(failure) => {
                upstream.unanswered();
                Err(unanswered(service, request.method(), failure))
            }
        }
    }

    pub(super) const fn upstream(&self, service: Service) -> &Upstream {
        match service {
            Service::Order => &self.order,
            Service::Customer => &self.customer,
            Service::Product => &self.product,
        }
    }

    async fn send(
        &self,
        upstream: &Upstream,
        method: &Method,
        outgoing: &Outgoing,
    ) -> Result<Answer, reqwest::Error> {
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(self.settings.deadline_ms);
        let patient_until = begun + Duration::from_millis(self.settings.connect_patience_ms);
        let is_repeatable = matches!(*method, Method::GET | Method::HEAD)
            || *method == Method::POST && outgoing.headers.contains_key(idempotency::HEADER);
        let mut retries_left = if is_repeatable { self.settings.retries } else { 0 };
        let mut connect_pause = CONNECT_PAUSE;
        loop {
            let failure = match self.attempt(upstream, outgoing, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let pause = if failure.is_connect() {
                // Nothing was sent, so this is no second request and costs the service nothing.
                let pause = jitter(connect_pause);
                connect_pause = (connect_pause * 2).min(RETRY_PAUSE);
                if Instant::now() + pause >= patient_until.min(deadline) {
                    return Err(failure);
                }
                pause
            } else {
                let pause = jitter(RETRY_PAUSE);
                let in_time = Instant::now() + pause < deadline;
                if failure.is_timeout() || retries_left == 0 || !in_time || !self.budget.withdraw() {
                    return Err(failure);
                }
                retries_left -= 1;
                pause
            };
            upstream.sent_again();
            tracing::debug!(service = upstream.service.name(), cause = %failure, "sending again");
            tokio::time::sleep(pause).await;
        }
    }

    /// One try. The answer is read whole: a service that dies in the middle of one has not answered.
    async fn attempt(
        &self,
        upstream: &Upstream,
        outgoing: &Outgoing,
        deadline: Instant,
    ) -> Result<Answer, reqwest::Error> {
        let begun = Instant::now();
        let answered = self.exchange(outgoing, deadline.saturating_duration_since(begun)).await;
        upstream.tried(answered.as_ref().map(|_| ()), begun.elapsed());
        answered
    }

    async fn exchange(&self, outgoing: &Outgoing, left: Duration) -> Result<Answer, reqwest::Error> {
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let mut request = self
            .client
            .request(outgoing.method.clone(), outgoing.url.clone())
            .headers(outgoing.headers.clone())
            .header(DEADLINE_MS.as_str(), HeaderValue::from(left_ms))
            .timeout(left + Duration::from_millis(self.settings.grace_ms));
        if !outgoing.body.is_empty() {
            request = request.body(outgoing.body.clone());
        }
        let answer = request.send().await?;
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut head = HttpResponse::build(status);
        for header in headers::to_client(answer.headers()) {
            head.append_header(header);
        }
        Ok(Answer { head, body: answer.bytes().await? })
    }
}

pub(super) fn outgoing(
    upstream: &Upstream,
    client: IpAddr,
    request: &HttpRequest,
    target: Target<'_>,
    body: Bytes,
) -> Result<Outgoing, ApiError> {
    let query = target.query.map(|query| format!("?{query}")).unwrap_or_default();
    let url =
        Url::parse(&format!("{}{}{query}", upstream.origin, target.path)).map_err(ApiError::internal)?;
    // HEAD goes as GET: the server side leaves the body out and keeps its length.
    let method = match request.method() {
        &Method::HEAD => reqwest::Method::GET,
        other => reqwest::Method::from_bytes(other.as_str().as_bytes()).map_err(ApiError::internal)?,
    };
    Ok(Outgoing { method, url, headers: headers::to_service(request, client), body })
}

/// No answer is not a no: unless nothing can have happened, the client is told that its request may have had an effect.
pub(super) fn unanswered(service: Service, method: &Method, failure: reqwest::Error) -> ApiError {
    let never_arrived = failure.is_connect();
    let code = if failure.is_timeout() && !never_arrived { "timed_out" } else { "unavailable" };
    let cause = anyhow::Error::from(failure.without_url()).context(service.name());
    let error = if never_arrived || method.is_safe() {
        ApiError::unavailable()
    } else {
        let detail = "No answer came, and whether the request had an effect is not known. With an Idempotency-Key the \
                      same request may be sent again.";
        ApiError::new(Kind::Unavailable, detail)
    };
    error.code(code).caused_by(cause)
}
