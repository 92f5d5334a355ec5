//! The generic cell rate algorithm in whole microseconds: one number for each caller says when its bucket is empty again.

/// What a limit allows: `burst` at once, refilled at one for each `interval_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub interval_us: u64,
    pub burst: u64,
}

impl Quota {
    /// So many a second, and so many at once; a rate of 0 limits nothing.
    pub fn per_second(rate: u32, burst: u32) -> Option<Self> {
        let interval_us = 1_000_000_u64.checked_div(rate.into())?;
        Some(Self { interval_us: interval_us.max(1), burst: u64::from(burst).max(1) })
    }

    /// How long an empty bucket takes to fill.
    pub fn window_us(self) -> u64 {
        self.interval_us.saturating_mul(self.burst)
    }

    /// How many are taken at once for use within the next second or so: a fiftieth of a second's worth, so that what is
    /// taken and never used hardly counts.
    pub fn lease(self) -> u64 {
        (20_000 / self.interval_us).clamp(1, self.burst)
    }
}

/// The answer to "may I have so many?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How many were granted; 0: none, come back in `retry_us`.
    pub granted: u64,
    /// What is left after this.
    pub remaining: u64,
    /// Until one more is there, where none was granted.
    pub retry_us: u64,
    /// Until the bucket is full.
    pub reset_us: u64,
}

/// Takes up to `wanted` at `now_us`. `empty_at_us` is the bucket: the time at which everything taken is refilled.
pub fn take(empty_at_us: &mut u64, quota: Quota, wanted: u64, now_us: u64) -> Grant {
    let taken_until = (*empty_at_us).max(now_us);
    let window = quota.window_us();
    let room = window.saturating_sub(taken_until - now_us) / quota.interval_us;
    if room == 0 {
        let reset_us = taken_until - now_us;
        let retry_us = (reset_us + quota.interval_us).saturating_sub(window);
        return Grant { granted: 0, remaining: 0, retry_us, reset_us };
    }
    let granted = wanted.min(room);
    *empty_at_us = taken_until.saturating_add(granted.saturating_mul(quota.interval_us));
    Grant { granted, remaining: room - granted, retry_us: 0, reset_us: *empty_at_us - now_us }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { interval_us: 100_000, burst: 5 };

    #[test]
    fn a_burst_is_granted_at_once_and_then_one_for_each_interval() {
        let mut bucket = 0;
        let now = 1_700_000_000_000_000;
        for left in (0..5).rev() {
            let grant = take(&mut bucket, QUOTA, 1, now);
            assert_eq!((grant.granted, grant.remaining), (1, left));
        }
        let refused = take(&mut bucket, QUOTA, 1, now);
        assert_eq!(refused, Grant { granted: 0, remaining: 0, retry_us: 100_000, reset_us: 500_000 });
        assert_eq!(take(&mut bucket, QUOTA, 1, now + 99_999).granted, 0);
        assert_eq!(take(&mut bucket, QUOTA, 1, now + 100_000).granted, 1);
        assert_eq!(take(&mut bucket, QUOTA, 1, now + 100_000).granted, 0);
    }

    #[test]
    fn many_are_granted_as_far_as_there_is_room() {
        let mut bucket = 0;
        assert_eq!(take(&mut bucket, QUOTA, 3, 1_000_000).granted, 3);
        assert_eq!(take(&mut bucket, QUOTA, 3, 1_000_000).granted, 2);
        assert_eq!(take(&mut bucket, QUOTA, 3, 1_000_000).granted, 0);
        // A refusal costs nothing: the bucket is full again when it would have been.
        let later = take(&mut bucket, QUOTA, 9, 1_500_000);
        assert_eq!((later.granted, later.remaining), (5, 0));
    }

    #[test]
    fn over_any_second_no_more_is_granted_than_the_burst_and_the_rate() {
        for (rate, burst) in [(10, 5), (3, 1), (1000, 50), (1, 100)] {
            let quota = Quota::per_second(rate, burst).unwrap();
            let (mut bucket, mut granted) = (0, 0);
            for at_us in (5_000_000..15_000_000).step_by(777) {
                granted += take(&mut bucket, quota, 1, at_us).granted;
            }
            let most = u64::from(rate) * 10 + u64::from(burst) + 1;
            assert!((most - most / 20 - 2..=most).contains(&granted), "{rate} {burst}: {granted} of {most}");
        }
    }

    #[test]
    fn a_lease_is_a_small_part_of_a_second() {
        assert_eq!(Quota::per_second(5_000, 10_000).unwrap().lease(), 100);
        assert_eq!(Quota::per_second(10, 20).unwrap().lease(), 1);
        assert_eq!(Quota::per_second(100_000, 3).unwrap().lease(), 3);
        assert_eq!(Quota::per_second(0, 3), None);
    }
}
