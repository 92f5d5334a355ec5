//! When a call is sent again, and after which pause.

use std::time::Duration;

/// First pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause of our own choosing.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Longest `Retry-After` that is waited for; a longer one is the caller's to plan with.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How often a call is sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    pub retries: u32,
}

impl RetryPolicy {
    /// The pause before the try after `tried` ones, `None` where there is none left. `random` spreads callers that
    /// failed together; what the service asks for in `Retry-After` is the least.
    pub fn pause(self, tried: u32, retry_after: Option<Duration>, random: u32) -> Option<Duration> {
        if tried > self.retries || retry_after.is_some_and(|asked| asked > LONGEST_RETRY_AFTER) {
            return None;
        }
        let doublings = tried.saturating_sub(1).min(16);
        let most = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        let half = most / 2;
        let own = half + half.saturating_mul(random % 1024) / 1024;
        Some(own + retry_after.unwrap_or_default())
    }
}

/// Whether an answer of this status says nothing final. 408 is what a server says that waited too long for the request
/// to arrive (RFC 9110, section 15.5.9).
pub(crate) const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { retries: 4 };

    #[test]
    fn pauses_double_with_jitter_up_to_a_bound_and_end() {
        for (tried, least, most) in [(1, 50, 100), (2, 100, 200), (4, 400, 800)] {
            for random in [0, 1, 1023, u32::MAX] {
                let pause = POLICY.pause(tried, None, random).unwrap();
                assert!((least..=most).contains(&pause.as_millis()), "{tried}: {pause:?}");
            }
        }
        assert_eq!(POLICY.pause(5, None, 0), None);
        assert!(RetryPolicy { retries: u32::MAX }.pause(u32::MAX, None, 1023).unwrap() <= LONGEST_PAUSE);
    }

    #[test]
    fn retry_after_is_the_least_and_a_long_one_is_not_waited_for() {
        assert!(POLICY.pause(1, Some(Duration::from_secs(3)), 0).unwrap() >= Duration::from_secs(3));
        assert_eq!(POLICY.pause(1, Some(Duration::from_secs(61)), 0), None);
    }
}
