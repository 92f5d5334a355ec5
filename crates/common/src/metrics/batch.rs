//! Group commit: what waits, how much comes together, how long both take.

use super::{
    Buckets, Counter, Counters, Gauge, Gauges, Histogram, Histograms, counters, gauges, histograms, label,
    observe, observe_count, set,
};
use crate::batch::{BatchLimits, NotBatched};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static QUEUED: LazyLock<Gauges<1>> =
    LazyLock::new(|| gauges("oms_batch_queue_entries", "Entries that wait for their batch."));
static CAPACITY: LazyLock<Gauges<1>> = LazyLock::new(|| {
    gauges("oms_batch_queue_capacity_entries", "Entries that may wait; one more is refused.")
});
static ENTRIES: LazyLock<Histograms<1>> =
    LazyLock::new(|| histograms("oms_batch_entries", "Entries of one write.", Buckets::Sizes));
static WAITED: LazyLock<Histograms<1>> = LazyLock::new(|| {
    histograms("oms_batch_wait_seconds", "How long an entry waited until its write began.", Buckets::Seconds)
});
static WRITTEN: LazyLock<Histograms<1>> =
    LazyLock::new(|| histograms("oms_batch_write_seconds", "How long one write took.", Buckets::Seconds));
static FAILED: LazyLock<Counters<2>> = LazyLock::new(|| {
    let help = "Entries without an answer of their own, by reason: queue_full, batch_failed, stopping.";
    counters("oms_batch_failed_entries", help)
});

/// The handles of one batcher.
#[derive(Clone)]
pub(crate) struct BatchMetrics {
    queued: Gauge,
    entries: Histogram,
    waited: Histogram,
    written: Histogram,
    queue_full: Counter,
    stopping: Counter,
    batch_failed: Counter,
}

impl BatchMetrics {
    pub(crate) fn new(batcher: &'static str, limits: &BatchLimits) -> Self {
        let one = [label("batcher", batcher)];
        let failed =
            |reason| FAILED.get_or_create_owned(&[label("batcher", batcher), label("reason", reason)]);
        set(&CAPACITY.get_or_create_owned(&one), limits.queue);
        Self {
            queued: QUEUED.get_or_create_owned(&one),
            entries: ENTRIES.get_or_create_owned(&one),
            waited: WAITED.get_or_create_owned(&one),
            written: WRITTEN.get_or_create_owned(&one),
            queue_full: failed("queue_full"),
            stopping: failed("stopping"),
            batch_failed: failed("batch_failed"),
        }
    }

    pub(crate) fn queued(&self) {
        self.queued.inc();
    }

    /// An entry was not let in.
    pub(crate) fn refused(&self, reason: NotBatched) {
        self.queued.dec();
        match reason {
            NotBatched::QueueFull => self.queue_full.inc(),
            NotBatched::Stopping => self.stopping.inc(),
            NotBatched::BatchFailed => self.batch_failed.inc(),
        };
    }

    /// A batch was taken whose entries came in at these times.
    pub(crate) fn taken(&self, since: &[Instant]) {
        let now = Instant::now();
        since.iter().for_each(|since| observe(&self.waited, now.saturating_duration_since(*since)));
        self.queued.dec_by(i64::try_from(since.len()).unwrap_or(i64::MAX));
        observe_count(&self.entries, since.len());
    }

    pub(crate) fn written(&self, elapsed: Duration) {
        observe(&self.written, elapsed);
    }

    pub(crate) fn batch_failed(&self, entries: usize) {
        self.batch_failed.inc_by(u64::try_from(entries).unwrap_or(u64::MAX));
    }
}
