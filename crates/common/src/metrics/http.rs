//! Requests by route: how many, how they ended, how long they took, how many are under way.

use super::{Buckets, Gauge, Histograms, Raised, histograms, label, observe};
use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static ANSWERED: LazyLock<Histograms<3>> = LazyLock::new(|| {
    let help = "Requests by method, route pattern and class of status (429 and 503 are classes of their own; 499: the client hung up); not those for health and metrics.";
    histograms("oms_http_request_duration_seconds", help, Buckets::Seconds)
});

static UNDER_WAY: LazyLock<Gauge> = LazyLock::new(|| {
    let help = "Requests under way.";
    super::gauge("oms_http_requests_in_flight", help)
});

/// The pattern of a route that actix's own router does not know, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct RoutePattern(pub &'static str);

/// Who watches a service is none of its customers: a share of requests that fail would be one of probes as well.
const WATCHING: [&str; 4] = ["/health/live", "/health/ready", "/healthz", "/metrics"];

/// What stands for the path where no route was found: paths carry identities, and anyone can invent one.
const NO_ROUTE: &str = "-";

/// One request, counted however it ends.
pub struct Observed {
    method: &'static str,
    route: Cow<'static, str>,
    /// 499 until there is an answer.
    status: u16,
    started: Instant,
    _under_way: Raised,
}

impl Observed {
    pub fn start(method: &str) -> Self {
        Self {
            method: known_method(method),
            route: Cow::Borrowed(NO_ROUTE),
            status: 499,
            started: Instant::now(),
            _under_way: Raised::new(&UNDER_WAY),
        }
    }

    pub fn answered(&mut self, route: Option<Cow<'static, str>>, status: u16) {
        self.route = route.unwrap_or(Cow::Borrowed(NO_ROUTE));
        self.status = status;
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let route = std::mem::take(&mut self.route);
        if WATCHING.contains(&&*route) {
            return;
        }
        let labels = [label("method", self.method), ("route", route), label("status", class(self.status))];
        observe(&ANSWERED.get_or_create(&labels), self.started.elapsed());
    }
}

/// Whoever invents methods makes no new series.
fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        429 => "429",
        499 => "499",
        400..=498 => "4xx",
        503 => "503",
        _ => "5xx",
    }
}
