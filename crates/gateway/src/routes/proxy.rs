//! Forwarding: one request, at most a few tries, one deadline.

use super::target::Target;
use super::{Service, headers};
use crate::config::{ProxySettings, UpstreamSettings};
use crate::retry_budget::RetryBudget;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use anyhow::{Context as _, ensure};
use common::error::{ApiError, Kind};
use common::http::idempotency;
use common::http::request::DEADLINE_MS;
use common::mongo::jitter;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Url};
use std::time::{Duration, Instant};

/// Pause before a request is sent again, about.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The way to the services.
pub struct Proxy {
    client: Client,
    order: String,
    customer: String,
    product: String,
    deadline: Duration,
    grace: Duration,
    retries: u32,
    budget: RetryBudget,
}

/// A request as every try sends it.
struct Outgoing {
    method: reqwest::Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Proxy {
    pub fn new(
        client: Client,
        upstreams: &UpstreamSettings,
        settings: &ProxySettings,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            client,
            order: origin(&upstreams.order_url)?,
            customer: origin(&upstreams.customer_url)?,
            product: origin(&upstreams.product_url)?,
            deadline: Duration::from_millis(settings.deadline_ms),
            grace: Duration::from_millis(settings.grace_ms),
            retries: settings.retries,
            budget: RetryBudget::default(),
        })
    }

    /// Sends the request to its service and answers what that answers. Only a reading request, or a POST that names
    /// its intention, is sent again, and only where no answer came and time is left; a time-out undoes nothing and
    /// is told as it is.
    pub async fn forward(
        &self,
        service: Service,
        request: &HttpRequest,
        target: Target<'_>,
        body: Bytes,
    ) -> Result<HttpResponse, ApiError> {
        let deadline = Instant::now() + self.deadline;
        let outgoing = self.outgoing(service, request, target, body)?;
        let is_repeatable = matches!(*request.method(), Method::GET | Method::HEAD)
            || *request.method() == Method::POST && outgoing.headers.contains_key(idempotency::HEADER);
        self.budget.deposit();
        let mut retries_left = if is_repeatable { self.retries } else { 0 };
        loop {
            let failure = match self.attempt(&outgoing, deadline).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let pause = jitter(RETRY_PAUSE);
            let ran_out = failure.is_timeout() && !failure.is_connect();
            let in_time = Instant::now() + pause < deadline;
            if retries_left == 0 || ran_out || !in_time || !self.budget.withdraw() {
                return Err(unanswered(service, request.method(), failure));
            }
            retries_left -= 1;
            tracing::debug!(service = service.name(), cause = %failure, "sending again");
            tokio::time::sleep(pause).await;
        }
    }

    fn outgoing(
        &self,
        service: Service,
        request: &HttpRequest,
        target: Target<'_>,
        body: Bytes,
    ) -> Result<Outgoing, ApiError> {
        let origin = match service {
            Service::Order => &self.order,
            Service::Customer => &self.customer,
            Service::Product => &self.product,
        };
        let query = target.query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = Url::parse(&format!("{origin}{}{query}", target.path)).map_err(ApiError::internal)?;
        // HEAD goes as GET: the server side leaves the body out and keeps its length.
        let method = match request.method() {
            &Method::HEAD => reqwest::Method::GET,
            other => reqwest::Method::from_bytes(other.as_str().as_bytes()).map_err(ApiError::internal)?,
        };
        Ok(Outgoing { method, url, headers: headers::to_service(request), body })
    }

    /// One try. The answer is read whole: a service that dies in the middle of one has not answered.
    async fn attempt(&self, outgoing: &Outgoing, deadline: Instant) -> Result<HttpResponse, reqwest::Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let mut request = self
            .client
            .request(outgoing.method.clone(), outgoing.url.clone())
            .headers(outgoing.headers.clone())
            .header(DEADLINE_MS.as_str(), HeaderValue::from(left_ms))
            .timeout(left + self.grace);
        if !outgoing.body.is_empty() {
            request = request.body(outgoing.body.clone());
        }
        let answer = request.send().await?;
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = HttpResponse::build(status);
        for header in headers::to_client(answer.headers()) {
            response.append_header(header);
        }
        Ok(response.body(answer.bytes().await?))
    }
}

/// No answer is not a no: unless nothing can have happened, the client is told that its request may have had an effect.
fn unanswered(service: Service, method: &Method, failure: reqwest::Error) -> ApiError {
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

/// The address of a service without a path: paths come from the table alone.
pub(super) fn origin(address: &str) -> anyhow::Result<String> {
    let url = Url::parse(address).with_context(|| format!("the upstream {address:?} is not a URL"))?;
    let bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    ensure!(url.scheme() == "http" && bare, "the upstream {address:?} must be like http://host:port");
    Ok(address.trim_end_matches('/').to_owned())
}
