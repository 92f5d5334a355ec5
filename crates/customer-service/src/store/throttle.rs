//! Throttling of log-ins, registrations and links by mail: counters in Redis that all replicas share, or in the process itself while Redis is gone.

use crate::config::ThrottleSettings;
use common::redis::Redis;
use common::text::Email;
use common::time::Timestamp;
use deadpool_redis::redis;
use quick_cache::unsync::Cache;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// Counts one more unless the limit is reached; answers 0, or the milliseconds until the window ends.
const TAKE: &str = "
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
local left_ms = redis.call('PTTL', KEYS[1])
if count >= tonumber(ARGV[1]) and left_ms > 0 then return left_ms end
redis.call('INCR', KEYS[1])
if left_ms < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0";

/// Counts one less, but never starts a count below zero that would outlive its window.
const GIVE_BACK: &str = "
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
return 0";

/// Too many: come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct Throttled {
    pub retry_after_s: u32,
}

/// What is counted, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    LogIn,
    Register,
    /// Links by mail, asked for or used.
    Reset,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::LogIn => "login",
            Self::Register => "register",
            Self::Reset => "reset",
        }
    }
}

/// One attempt that was counted; [`Throttle::give_back`] takes it off again.
pub struct Attempt {
    counter: String,
}

/// Fixed windows by account and by address.
pub struct Throttle {
    redis: Redis,
    /// Keeps shops apart that share a Redis.
    scope: String,
    settings: ThrottleSettings,
    local: Mutex<LocalCounters>,
}

impl Throttle {
    pub fn new(redis: Redis, scope: &str, settings: ThrottleSettings) -> Self {
        let local = Mutex::new(LocalCounters::new(settings.local_entries));
        Self { redis, scope: scope.to_owned(), settings, local }
    }

    /// Counts an attempt of an address, whatever comes of it.
    pub async fn count_address(&self, purpose: Purpose, address: IpAddr) -> Result<(), Throttled> {
        let counter = format!("{}:{}:address:{}", self.scope, purpose.name(), network_of(address));
        let limit = match purpose {
            Purpose::LogIn => self.settings.attempts_per_address,
            Purpose::Register => self.settings.registrations_per_address,
            Purpose::Reset => self.settings.resets_per_address,
        };
        self.take(counter, limit).await.map(|_| ())
    }

    /// Counts an attempt at an account, known or not. Counts a log-in before its password is looked at, so that many at once cannot all slip through;
    /// one that does not fail is to be given back.
    pub async fn count_account(&self, purpose: Purpose, email: &Email) -> Result<Attempt, Throttled> {
        // Redis is not where addresses of people belong.
        let digest: [u8; 32] = Sha256::digest(email.key().as_bytes()).into();
        let counter = format!("{}:{}:account:{}", self.scope, purpose.name(), hexadecimal(&digest));
        let limit = match purpose {
            Purpose::LogIn => self.settings.failures_per_account,
            Purpose::Register => self.settings.registrations_per_account,
            Purpose::Reset => self.settings.resets_per_account,
        };
        self.take(counter, limit).await
    }

    /// Takes an attempt off again that did not fail.
    pub async fn give_back(&self, attempt: Attempt) {
        let counter = attempt.counter.clone();
        let given_back = self.redis.ask(|mut connection| async move {
            redis::cmd("EVAL").arg(GIVE_BACK).arg(1).arg(counter).query_async::<i64>(&mut connection).await
        });
        if given_back.await.is_none() {
            self.local.lock().unwrap_or_else(PoisonError::into_inner).give_back(&attempt.counter);
        }
    }

    async fn take(&self, counter: String, limit: u32) -> Result<Attempt, Throttled> {
        let window_ms = i64::from(self.settings.window_s) * 1000;
        let key = counter.clone();
        let taken = self.redis.ask(|mut connection| async move {
            let mut command = redis::cmd("EVAL");
            command.arg(TAKE).arg(1).arg(key).arg(limit).arg(window_ms);
            command.query_async::<i64>(&mut connection).await
        });
        let wait_ms = match taken.await {
            Some(wait_ms) => wait_ms,
            None => {
                let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
                local.take(&counter, limit, window_ms, Timestamp::now())
            }
        };
        if wait_ms == 0 {
            return Ok(Attempt { counter });
        }
        Err(Throttled { retry_after_s: u32::try_from((wait_ms + 999) / 1000).unwrap_or(u32::MAX) })
    }
}

/// The same windows in this process, at most so many: the least used are forgotten.
struct LocalCounters {
    windows: Cache<String, Window>,
}

#[derive(Clone, Copy)]
struct Window {
    count: u32,
    ends_at: Timestamp,
}

impl LocalCounters {
    fn new(entries: usize) -> Self {
        Self { windows: Cache::new(entries) }
    }

    /// Counts one more unless the limit is reached; answers 0, or the milliseconds until the window ends.
    fn take(&mut self, counter: &str, limit: u32, window_ms: i64, now: Timestamp) -> i64 {
        let open = self.windows.get(counter).copied().filter(|window| window.ends_at > now);
        let window = open.unwrap_or(Window { count: 0, ends_at: now.plus_millis(window_ms) });
        if window.count >= limit {
            return window.ends_at.as_millis() - now.as_millis();
        }
        self.windows.insert(counter.to_owned(), Window { count: window.count + 1, ..window });
        0
    }

    fn give_back(&mut self, counter: &str) {
        if let Some(window) = self.windows.get(counter).copied() {
            let count = window.count.saturating_sub(1);
            self.windows.insert(counter.to_owned(), Window { count, ..window });
        }
    }
}

/// What one customer of a provider holds: an IPv4 address, or an IPv6 network of 64 bits.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_window_lets_as_many_pass_as_its_limit_and_the_next_window_as_many_again() {
        let mut local = LocalCounters::new(10);
        assert_eq!((0..3).map(|_| local.take("a", 2, 60_000, at(0))).collect::<Vec<_>>(), [0, 0, 60_000]);
        assert_eq!(local.take("b", 2, 60_000, at(0)), 0);
        assert_eq!(local.take("a", 2, 60_000, at(59)), 1_000);
        assert_eq!(local.take("a", 2, 60_000, at(60)), 0);
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let mut local = LocalCounters::new(10);
        for _ in 0..5 {
            assert_eq!(local.take("a", 1, 60_000, at(0)), 0);
            local.give_back("a");
        }
        local.give_back("a");
        assert_eq!(local.take("a", 1, 60_000, at(0)), 0);
        assert_ne!(local.take("a", 1, 60_000, at(0)), 0);
    }

    #[test]
    fn the_memory_of_the_local_counters_is_bounded() {
        let mut local = LocalCounters::new(10);
        for number in 0..10_000 {
            local.take(&number.to_string(), 1, 60_000, at(0));
        }
        assert!(local.windows.len() <= 16, "{}", local.windows.len());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let network = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
