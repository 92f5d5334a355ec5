//! How often somebody may call: a bucket for each caller and for each address, shared by all gateways through Redis and
//! kept by each for itself while Redis does not answer.
//!
//! A gateway takes small leases from the shared bucket and serves requests out of them, so that a busy caller costs one
//! question in a hundred requests, and one question at a time.

pub mod gcra;
pub mod shared;

use crate::config::LimitSettings;
use crate::metrics::{self, Store};
use gcra::{Grant, Quota, take};
use quick_cache::sync::Cache;
use shared::SharedBuckets;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// What is taken from the shared bucket and not used goes back to nobody after this.
const LEASE_LIFETIME: Duration = Duration::from_secs(1);

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Of one account or API key, wherever it calls from.
    Caller,
    /// Of one address, for requests that prove no caller.
    Anonymous,
    /// Of one address, whoever calls.
    Address,
}

impl Limit {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Anonymous => "anonymous",
            Self::Address => "address",
        }
    }
}

/// Whose bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// An account's or an API key's identity.
    Identity([u8; 16]),
    Address(IpAddr),
}

impl Who {
    /// An address as it is counted: whoever has one IPv6 address has the 2^64 around it.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            v4 => v4,
        })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// What a limit said to one request.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    pub limit: Limit,
    pub quota: Quota,
    pub allowed: bool,
    pub remaining: u64,
    /// Until one more request is allowed, where this one is not.
    pub retry_after: Duration,
    /// Until the whole burst is there again.
    pub reset_after: Duration,
}

/// What this gateway holds of one bucket.
struct Held {
    /// Requests that were taken from the bucket and not served yet.
    lease: u64,
    leased_at: Instant,
    /// As the bucket answered last.
    remaining: u64,
    full_at: Instant,
    /// Nothing is granted before.
    closed_until: Option<Instant>,
    /// The bucket of this gateway alone, in microseconds since it started.
    own_us: u64,
}

/// The limits of a gateway.
pub struct RateLimits {
    quotas: [(Limit, Option<Quota>); 3],
    held: Cache<(Limit, Who), Arc<Mutex<Held>>>,
    shared: SharedBuckets,
    started: Instant,
    /// After Redis failed it is left alone until then, in milliseconds since the start.
    redis_pause: Duration,
    redis_after_ms: AtomicU64,
}

impl RateLimits {
    pub fn new(settings: &LimitSettings, shared: SharedBuckets) -> Self {
        let quotas = [
            (Limit::Caller, Quota::per_second(settings.caller_rate, settings.caller_burst)),
            (Limit::Anonymous, Quota::per_second(settings.anonymous_rate, settings.anonymous_burst)),
            (Limit::Address, Quota::per_second(settings.address_rate, settings.address_burst)),
        ];
        Self {
            quotas,
            held: Cache::new(settings.remembered),
            shared,
            started: Instant::now(),
            redis_pause: Duration::from_millis(settings.redis_pause_ms),
            redis_after_ms: AtomicU64::new(0),
        }
    }

    /// Counts one request; `None` where this limit is off.
    pub async fn check(&self, limit: Limit, who: Who) -> Option<Verdict> {
        let (_, quota) = self.quotas.iter().find(|(of, _)| *of == limit)?;
        let quota = (*quota)?;
        let held = self.held(limit, who);
        let mut held = held.lock().await;
        let now = Instant::now();
        if let Some(closed_until) = held.closed_until.filter(|until| *until > now) {
            return Some(verdict(limit, quota, &held, false, closed_until - now, now));
        }
        if held.lease == 0 || now.duration_since(held.leased_at) > LEASE_LIFETIME {
            let grant = self.ask(limit, who, quota, &mut held).await;
            let now = Instant::now();
            held.lease = grant.granted;
            held.leased_at = now;
            held.remaining = grant.remaining;
            held.full_at = now + Duration::from_micros(grant.reset_us);
            held.closed_until = (grant.granted == 0).then(|| now + Duration::from_micros(grant.retry_us));
        }
        let now = Instant::now();
        if held.lease == 0 {
            let retry_after =
                held.closed_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            return Some(verdict(limit, quota, &held, false, retry_after, now));
        }
        held.lease -= 1;
        Some(verdict(limit, quota, &held, true, Duration::ZERO, now))
    }

    fn held(&self, limit: Limit, who: Who) -> Arc<Mutex<Held>> {
        let fresh = || {
            let now = Instant::now();
            Arc::new(Mutex::new(Held {
                lease: 0,
                leased_at: now,
                remaining: 0,
                full_at: now,
                closed_until: None,
                own_us: 0,
            }))
        };
        let found =
            self.held.get_or_insert_with(&(limit, who), || Ok::<_, std::convert::Infallible>(fresh()));
        found.unwrap_or_else(|never| match never {})
    }

    async fn ask(&self, limit: Limit, who: Who, quota: Quota, held: &mut Held) -> Grant {
        let since_start = || self.started.elapsed();
        let now_ms = u64::try_from(since_start().as_millis()).unwrap_or(u64::MAX);
        if self.redis_after_ms.load(Ordering::Relaxed) <= now_ms {
            let bucket = format!("{}:{who}", limit.name());
            if let Some(grant) = self.shared.take(&bucket, quota, quota.lease()).await {
                metrics::rate_limit_asked(Store::Redis);
                return grant;
            }
            let pause_ms = u64::try_from(self.redis_pause.as_millis()).unwrap_or(u64::MAX);
            self.redis_after_ms.store(now_ms.saturating_add(pause_ms), Ordering::Relaxed);
        }
        metrics::rate_limit_asked(Store::Local);
        // The local bucket begins full whenever Redis goes: a caller may then have a second burst, and no more.
        let now_us = u64::try_from(since_start().as_micros()).unwrap_or(u64::MAX);
        take(&mut held.own_us, quota, quota.lease(), now_us)
    }
}

fn verdict(
    limit: Limit,
    quota: Quota,
    held: &Held,
    allowed: bool,
    retry_after: Duration,
    now: Instant,
) -> Verdict {
    metrics::rate_limit_decided(limit, allowed);
    Verdict {
        limit,
        quota,
        allowed,
        remaining: held.remaining + held.lease,
        retry_after,
        reset_after: held.full_at.saturating_duration_since(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_an_ipv6_network_are_one_and_a_mapped_address_is_the_one_it_maps() {
        let who = |text: &str| Who::at(text.parse().unwrap());
        assert_eq!(who("2001:db8::1"), who("2001:db8::ffff:1"));
        assert_ne!(who("2001:db8::1"), who("2001:db8:0:1::1"));
        assert_eq!(who("::ffff:192.0.2.1"), who("192.0.2.1"));
        assert_ne!(who("192.0.2.2"), who("192.0.2.1"));
        assert_eq!(who("2001:db8::1").to_string(), "2001:db8::");
        assert_eq!(Who::Identity([1; 16]).to_string(), "01".repeat(16));
    }
}
