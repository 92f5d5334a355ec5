//! How many requests may be under way so that each is answered in time, learnt from those that were: as many as are
//! answered in that time, since what is under way is the rate of answers times the time of each (J. D. C. Little, "A
//! Proof for the Queuing Formula: L = λW", Operations Research 9(3), 1961).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Always allowed: what is placed together is cheaper, and fewer say nothing of a rate.
const LEAST: usize = 256;

/// A rate is taken over so long, and so many answers, at least.
const WINDOW: Duration = Duration::from_millis(500);
const ANSWERS: u32 = 16;

/// A limit that falls when answers take longer than they should, and rises again when somebody was turned away while
/// they did not.
pub struct Capacity {
    most: usize,
    patience: Duration,
    limit: AtomicUsize,
    window: Mutex<Window>,
}

struct Window {
    begun: Instant,
    answers: u32,
    total: Duration,
    turned_away: bool,
}

impl Window {
    fn begin(now: Instant) -> Self {
        Self { begun: now, answers: 0, total: Duration::ZERO, turned_away: false }
    }
}

impl Capacity {
    /// `patience`: how long an answer should take at most in the mean; zero: however long, and `most` is the limit.
    pub fn new(most: usize, patience: Duration, now: Instant) -> Self {
        let limit = if patience.is_zero() { most } else { most.min(4 * LEAST) };
        Self { most, patience, limit: limit.into(), window: Window::begin(now).into() }
    }

    /// Requests that may be under way.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    pub fn turned_away(&self) {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).turned_away = true;
    }

    pub fn answered(&self, took: Duration, now: Instant) {
        if self.patience.is_zero() {
            return;
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.answers += 1;
        window.total += took;
        let length = now.saturating_duration_since(window.begun);
        if length < WINDOW || window.answers < ANSWERS {
            return;
        }
        let ended = std::mem::replace(&mut *window, Window::begin(now));
        drop(window);
        let in_time = self.patience.as_nanos().saturating_mul(ended.answers.into()) / length.as_nanos();
        let in_time = usize::try_from(in_time).unwrap_or(usize::MAX);
        let limit = self.limit();
        let limit = if ended.total > self.patience * ended.answers {
            in_time
        } else if ended.turned_away {
            in_time.clamp(limit, limit.saturating_mul(2))
        } else {
            return;
        };
        self.limit.store(limit.clamp(LEAST.min(self.most), self.most), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Half a second in which so many a second are answered, each after so long.
    fn pass(capacity: &Capacity, now: &mut Instant, rate: u32, took: Duration) {
        for _ in 0..rate / 2 {
            *now += SECOND / rate;
            capacity.answered(took, *now);
        }
    }

    #[test]
    fn late_answers_leave_as_many_as_are_answered_in_time() {
        let mut now = Instant::now();
        let capacity = Capacity::new(4_096, SECOND, now);
        assert_eq!(capacity.limit(), 1_024);
        pass(&capacity, &mut now, 800, 2 * SECOND);
        assert!((790..=810).contains(&capacity.limit()), "{}", capacity.limit());
        pass(&capacity, &mut now, 40, 5 * SECOND);
        assert_eq!(capacity.limit(), LEAST);
    }

    #[test]
    fn it_rises_where_somebody_is_turned_away_without_need_and_no_further() {
        let mut now = Instant::now();
        let capacity = Capacity::new(4_096, SECOND, now);
        pass(&capacity, &mut now, 2_000, SECOND / 2);
        assert_eq!(capacity.limit(), 1_024);
        for expected in [2_000, 2_000, 4_000, 4_096] {
            capacity.turned_away();
            let rate = if expected == 2_000 { 2_000 } else { 10_000 };
            pass(&capacity, &mut now, rate, SECOND / 2);
            assert!(capacity.limit().abs_diff(expected) <= 10, "{} {expected}", capacity.limit());
        }
    }

    #[test]
    fn a_few_late_answers_and_no_patience_change_nothing() {
        let mut now = Instant::now();
        let capacity = Capacity::new(4_096, SECOND, now);
        for _ in 1..ANSWERS {
            now += SECOND;
            capacity.answered(9 * SECOND, now);
        }
        assert_eq!(capacity.limit(), 1_024);
        let capacity = Capacity::new(7, Duration::ZERO, now);
        pass(&capacity, &mut now, 800, 9 * SECOND);
        assert_eq!(capacity.limit(), 7);
    }
}
