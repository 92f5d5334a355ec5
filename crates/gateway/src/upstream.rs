//! One service as the gateway sees it: where it is, how many requests it may have, whether it answers at all.

use crate::breaker::{Breaker, Change};
use crate::config::{BreakerSettings, UpstreamSettings};
use crate::metrics::UpstreamMetrics;
use crate::routes::Service;
use anyhow::{Context as _, ensure};
use common::error::ApiError;
use common::metrics::{Raised, observe};
use reqwest::Url;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A service behind its bulkhead and its breaker.
pub struct Upstream {
    pub service: Service,
    /// Such as `http://127.0.0.1:3001`: paths come from the table alone.
    pub origin: String,
    places: Arc<Semaphore>,
    breaker: Breaker,
    metrics: UpstreamMetrics,
}

/// Leave to send one request.
pub struct Pass {
    _permit: OwnedSemaphorePermit,
    _counted: Raised,
}

impl Upstream {
    pub fn new(
        service: Service,
        upstreams: &UpstreamSettings,
        breaker: &BreakerSettings,
    ) -> anyhow::Result<Self> {
        let address = match service {
            Service::Order => &upstreams.order_url,
            Service::Customer => &upstreams.customer_url,
            Service::Product => &upstreams.product_url,
        };
        Ok(Self {
            service,
            origin: origin(address)?,
            places: Arc::new(Semaphore::new(upstreams.max_in_flight.min(Semaphore::MAX_PERMITS))),
            breaker: Breaker::new(breaker.failures, Duration::from_millis(breaker.open_ms)),
            metrics: UpstreamMetrics::new(service),
        })
    }

    /// 503 at once where the service has all it may have, or answers nobody. Nothing was done then.
    pub fn admit(&self) -> Result<Pass, ApiError> {
        if !self.breaker.lets_through(Instant::now()) {
            self.metrics.breaker_refused.inc();
            return Err(ApiError::unavailable());
        }
        let Ok(permit) = self.places.clone().try_acquire_owned() else {
            self.metrics.bulkhead_full.inc();
            return Err(ApiError::overloaded());
        };
        Ok(Pass { _permit: permit, _counted: Raised::new(&self.metrics.under_way) })
    }

    /// One try was made.
    pub fn tried(&self, outcome: Result<(), &reqwest::Error>, elapsed: Duration) {
        let histogram = match outcome {
            Ok(()) => &self.metrics.answered,
            Err(failure) if failure.is_connect() => &self.metrics.refused,
            Err(failure) if failure.is_timeout() => &self.metrics.timed_out,
            Err(_) => &self.metrics.failed,
        };
        observe(histogram, elapsed);
    }

    pub fn sent_again(&self) {
        self.metrics.retries.inc();
    }

    /// A request was answered, whatever was answered.
    pub fn answered(&self) {
        if self.breaker.succeeded() == Change::Closed {
            self.metrics.breaker_open.set(0);
            tracing::info!(service = self.service.name(), "answers again");
        }
    }

    /// A request was left without an answer after everything that could be tried.
    pub fn unanswered(&self) {
        if self.breaker.failed(Instant::now()) == Change::Opened {
            self.metrics.breaker_open.set(1);
            tracing::warn!(service = self.service.name(), "answers nobody; left alone for a while");
        }
    }
}

/// The address of a service without a path.
pub fn origin(address: &str) -> anyhow::Result<String> {
    let url = Url::parse(address).with_context(|| format!("the upstream {address:?} is not a URL"))?;
    let bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    ensure!(url.scheme() == "http" && bare, "the upstream {address:?} must be like http://host:port");
    Ok(address.trim_end_matches('/').to_owned())
}
