//! What the gateway counts beside its requests: what it let in, what it turned away, how the services answered.

use crate::admission::Class;
use crate::limits::Limit;
use crate::routes::Service;
use common::metrics::{
    Buckets, Counter, Counters, Gauge, Gauges, Histogram, Histograms, counters, gauges, histograms, label,
};
use std::sync::LazyLock;

static DECIDED: LazyLock<Counters<2>> = LazyLock::new(|| {
    let help = "Requests by limit (caller, anonymous, address) and decision (allowed, refused).";
    counters("oms_rate_limit_decisions", help)
});
static ASKED: LazyLock<Counters<1>> = LazyLock::new(|| {
    let help = "Leases taken from a bucket, by where it was: redis, or local while Redis does not answer.";
    counters("oms_rate_limit_asked", help)
});
static SHED: LazyLock<Counters<1>> = LazyLock::new(|| {
    counters("oms_shed", "Requests turned away because too many of their class were under way.")
});
static CLASSES: LazyLock<Gauges<1>> =
    LazyLock::new(|| gauges("oms_route_class_in_flight", "Requests of a class under way."));
static PLACES: LazyLock<Gauges<1>> =
    LazyLock::new(|| gauges("oms_route_class_places", "Requests of a class that may be under way now."));
static ANSWERED: LazyLock<Histograms<2>> = LazyLock::new(|| {
    let help = "Tries of a service by outcome: answered, refused (no connection), failed, timed_out.";
    histograms("oms_upstream_seconds", help, Buckets::Seconds)
});
static UNDER_WAY: LazyLock<Gauges<1>> =
    LazyLock::new(|| gauges("oms_upstream_in_flight", "Requests that a service has or waits for."));
static REFUSED: LazyLock<Counters<2>> = LazyLock::new(|| {
    let help = "Requests that were not sent to a service, by reason: bulkhead, breaker.";
    counters("oms_upstream_refused", help)
});
static OPEN: LazyLock<Gauges<1>> = LazyLock::new(|| {
    gauges("oms_upstream_breaker_open", "Whether a service's circuit breaker is open: 0 or 1.")
});
static RETRIED: LazyLock<Counters<1>> =
    LazyLock::new(|| counters("oms_upstream_retries", "Requests that were sent again."));

/// Where a bucket was asked.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    Redis,
    Local,
}

pub fn rate_limit_decided(limit: Limit, allowed: bool) {
    static HANDLES: LazyLock<[[Counter; 2]; 3]> = LazyLock::new(|| {
        [Limit::Caller, Limit::Anonymous, Limit::Address].map(|limit| {
            ["refused", "allowed"].map(|decision| {
                DECIDED.get_or_create_owned(&[label("limit", limit.name()), label("decision", decision)])
            })
        })
    });
    let [caller, anonymous, address] = &*HANDLES;
    let [refused, let_in] = match limit {
        Limit::Caller => caller,
        Limit::Anonymous => anonymous,
        Limit::Address => address,
    };
    if allowed {
        let_in.inc()
    } else {
        refused.inc()
    };
}

pub fn rate_limit_asked(store: Store) {
    static HANDLES: LazyLock<[Counter; 2]> =
        LazyLock::new(|| ["redis", "local"].map(|store| ASKED.get_or_create_owned(&[label("store", store)])));
    let [redis, local] = &*HANDLES;
    match store {
        Store::Redis => redis.inc(),
        Store::Local => local.inc(),
    };
}

/// The handles of one class of routes.
pub struct ClassMetrics {
    pub under_way: Gauge,
    places: Gauge,
    pub shed: Counter,
}

impl ClassMetrics {
    pub fn new(class: Class) -> Self {
        let labels = [label("class", class.name())];
        Self {
            under_way: CLASSES.get_or_create_owned(&labels),
            places: PLACES.get_or_create_owned(&labels),
            shed: SHED.get_or_create_owned(&labels),
        }
    }

    /// How many may be under way now.
    pub fn show(&self, places: usize) {
        self.places.set(i64::try_from(places).unwrap_or(i64::MAX));
    }
}

/// The handles of one service.
pub struct UpstreamMetrics {
    pub under_way: Gauge,
    pub answered: Histogram,
    pub refused: Histogram,
    pub failed: Histogram,
    pub timed_out: Histogram,
    pub bulkhead_full: Counter,
    pub breaker_refused: Counter,
    pub breaker_open: Gauge,
    pub retries: Counter,
}

impl UpstreamMetrics {
    pub fn new(service: Service) -> Self {
        let one = [label("service", service.name())];
        let outcome = |outcome| {
            ANSWERED.get_or_create_owned(&[label("service", service.name()), label("outcome", outcome)])
        };
        let reason = |reason| {
            REFUSED.get_or_create_owned(&[label("service", service.name()), label("reason", reason)])
        };
        Self {
            under_way: UNDER_WAY.get_or_create_owned(&one),
            answered: outcome("answered"),
            refused: outcome("refused"),
            failed: outcome("failed"),
            timed_out: outcome("timed_out"),
            bulkhead_full: reason("bulkhead"),
            breaker_refused: reason("breaker"),
            breaker_open: OPEN.get_or_create_owned(&one),
            retries: RETRIED.get_or_create_owned(&one),
        }
    }
}
