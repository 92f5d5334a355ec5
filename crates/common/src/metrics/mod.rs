//! What a process counts and measures, in the text format of OpenMetrics: one registry, handles that are looked up once.

pub mod batch;
pub mod cache;
pub mod http;
pub mod mongo;
pub mod process;
pub mod redis;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::registry::{Metric, Registry};
use std::borrow::Cow;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::Duration;

pub use prometheus_client::metrics::counter::Counter;
pub use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;

/// `Content-Type` of a scrape.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From half a millisecond to ten seconds: an order's five seconds have room on both sides.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// For what is done in memory or by a neighbour: from fifty microseconds.
const SHORT_SECONDS: [f64; 10] = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.1];

/// How many of something came together.
const SIZES: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 512.0, 2_000.0];

static REGISTRY: LazyLock<RwLock<Registry>> = LazyLock::new(RwLock::default);

/// The names and values that tell the series of one metric apart.
pub type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

pub type Counters<const N: usize> = Family<Labels<N>, Counter>;
pub type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
pub type Histograms<const N: usize> = Family<Labels<N>, Histogram, Buckets>;

/// The bounds of a histogram.
#[derive(Clone, Copy, Debug)]
pub enum Buckets {
    Seconds,
    ShortSeconds,
    Sizes,
}

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        match self {
            Self::Seconds => Histogram::new(SECONDS),
            Self::ShortSeconds => Histogram::new(SHORT_SECONDS),
            Self::Sizes => Histogram::new(SIZES),
        }
    }
}

/// Counters by label; the format adds `_total` to the name.
pub fn counters<const N: usize>(name: &str, help: &str) -> Counters<N> {
    register(name, help, Family::default())
}

pub fn counter(name: &str, help: &str) -> Counter {
    register(name, help, Counter::default())
}

pub fn gauges<const N: usize>(name: &str, help: &str) -> Gauges<N> {
    register(name, help, Family::default())
}

pub fn gauge(name: &str, help: &str) -> Gauge {
    register(name, help, Gauge::default())
}

pub fn histograms<const N: usize>(name: &str, help: &str, buckets: Buckets) -> Histograms<N> {
    register(name, help, Family::new_with_constructor(buckets))
}

pub fn histogram(name: &str, help: &str, buckets: Buckets) -> Histogram {
    register(name, help, buckets.new_metric())
}

fn register<M: Metric + Clone>(name: &str, help: &str, metric: M) -> M {
    // The format ends the sentence itself.
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    registry.register(name, help.trim_end_matches('.'), metric.clone());
    metric
}

/// Adds something that is asked at each scrape.
fn collect(collector: impl Collector) {
    REGISTRY.write().unwrap_or_else(PoisonError::into_inner).register_collector(Box::new(collector));
}

/// One label.
pub const fn label(name: &'static str, value: &'static str) -> (&'static str, Cow<'static, str>) {
    (name, Cow::Borrowed(value))
}

/// Adds a duration, in seconds.
pub fn observe(histogram: &Histogram, elapsed: Duration) {
    histogram.observe(elapsed.as_secs_f64());
}

/// A number of things as a histogram takes it; exact up to four thousand millions.
pub fn observe_count(histogram: &Histogram, count: usize) {
    histogram.observe(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}

/// A number of things as a gauge takes it.
pub fn set(gauge: &Gauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}

/// A scrape: everything that was ever registered.
pub fn scrape() -> String {
    let mut text = String::with_capacity(32 * 1024);
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    // Writing into a text cannot fail.
    if encode(&mut text, &registry).is_err() {
        tracing::error!("the metrics could not be written");
    }
    text
}

/// Raises a gauge while it lives.
pub struct Raised(Gauge);

impl Raised {
    pub fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_shows_every_kind_and_ends_as_the_format_wants() {
        counters("tests_run", "Tests.").get_or_create(&[label("kind", "a\"b")]).inc();
        histogram("tests_seconds", "Time.", Buckets::Seconds).observe(0.003);
        let depth = gauge("tests_depth", "Depth");
        let raised = Raised::new(&depth);
        let text = scrape();
        for line in [
            "tests_run_total{kind=\"a\\\"b\"} 1",
            "tests_seconds_bucket{le=\"0.0025\"} 0",
            "tests_seconds_bucket{le=\"0.005\"} 1",
            "tests_depth 1",
            "# HELP tests_run Tests.",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
        drop(raised);
        assert_eq!(depth.get(), 0);
    }
}
