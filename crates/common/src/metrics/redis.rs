//! Redis: how long exchanges take, how they fail, how many connections are out.

use super::{
    Buckets, Counter, Counters, Gauge, Histogram, Raised, counters, gauge, histogram, label, observe,
};
use std::sync::LazyLock;
use std::time::Instant;

static SECONDS: LazyLock<Histogram> = LazyLock::new(|| {
    let help = "One exchange with Redis, the wait for a connection included.";
    histogram("oms_redis_exchange_seconds", help, Buckets::ShortSeconds)
});
static FAILED: LazyLock<Counters<1>> = LazyLock::new(|| {
    counters("oms_redis_failures", "Exchanges without an answer, by reason: timeout, error.")
});
static IN_USE: LazyLock<Gauge> =
    LazyLock::new(|| gauge("oms_redis_exchanges_in_flight", "Exchanges with Redis under way."));

/// The handles of one client.
#[derive(Clone)]
pub(crate) struct RedisMetrics {
    seconds: Histogram,
    timeouts: Counter,
    errors: Counter,
    in_use: Gauge,
}

impl RedisMetrics {
    pub(crate) fn new() -> Self {
        let failed = |reason| FAILED.get_or_create_owned(&[label("reason", reason)]);
        Self {
            seconds: SECONDS.clone(),
            timeouts: failed("timeout"),
            errors: failed("error"),
            in_use: IN_USE.clone(),
        }
    }

    pub(crate) fn begin(&self) -> (Raised, Instant) {
        (Raised::new(&self.in_use), Instant::now())
    }

    pub(crate) fn answered(&self, begun: Instant) {
        observe(&self.seconds, begun.elapsed());
    }

    pub(crate) fn timed_out(&self) {
        self.timeouts.inc();
    }

    pub(crate) fn failed(&self) {
        self.errors.inc();
    }
}
