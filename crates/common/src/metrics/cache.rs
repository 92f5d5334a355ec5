//! Caches: how often what was asked for was there.

use super::{Counter, Counters, counters, label};
use std::sync::LazyLock;

static ASKED: LazyLock<Counters<2>> =
    LazyLock::new(|| counters("oms_cache_requests", "Look-ups in a cache, by outcome: hit, miss."));

/// The handles of one cache.
#[derive(Clone)]
pub struct CacheMetrics {
    hits: Counter,
    misses: Counter,
}

impl CacheMetrics {
    pub fn new(cache: &'static str) -> Self {
        let outcome =
            |outcome| ASKED.get_or_create_owned(&[label("cache", cache), label("outcome", outcome)]);
        Self { hits: outcome("hit"), misses: outcome("miss") }
    }

    pub fn count(&self, was_there: bool) {
        if was_there {
            self.hits.inc()
        } else {
            self.misses.inc()
        };
    }
}
