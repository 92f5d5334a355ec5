//! How many requests may be under way so that each is answered in time, learnt from those that were: as many as are
//! answered in that time, since what is under way is the rate of answers times the time of each (J. D. C. Little, "A
//! Proof for the Queuing Formula: L = λW", Operations Research 9(3), 1961).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Always allowed: what is placed together is cheaper, and fewer say nothing of a rate.
const LEAST: usize = 256;

/// A rate is taken over so long, and so many answers, at least.
const WINDOW: Duration = Duration::from_millis(500);
const ANSWERS: u32 = 16;

/// What was answered so long before says nothing of now.
const OLD: Duration = Duration::from_secs(10);

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
    /// Of the answers, and of those who did not wait for theirs.
    total: Duration,
    turned_away: bool,
}

impl Window {
    const fn begin(now: Instant) -> Self {
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
        if !self.patience.is_zero() {
            self.window().turned_away = true;
        }
    }

    /// Somebody waited so long and no longer: under way as well, but never an answer.
    pub fn given_up(&self, waited: Duration) {
        if !self.patience.is_zero() {
            let mut window = self.window();
            window.total = window.total.saturating_add(waited);
        }
    }

    /// The limit where it is another one now. A refusal that comes soon says nothing of how long requests wait; one that
    /// comes late does.
    pub fn answered(&self, is_done: bool, took: Duration, now: Instant) -> Option<usize> {
        if self.patience.is_zero() || (!is_done && took <= self.patience) {
            return None;
        }
        let mut window = self.window();
        let arrived = now.checked_sub(took).unwrap_or(now);
        if arrived.saturating_duration_since(window.begun) > OLD {
            *window = Window { turned_away: window.turned_away, ..Window::begin(arrived) };
        } else if window.answers == 0 {
            // No earlier than what it counts.
            window.begun = window.begun.max(arrived);
        }
        window.answers += 1;
        window.total = window.total.saturating_add(took);
        let length = now.saturating_duration_since(window.begun);
        if length < WINDOW || window.answers < ANSWERS {
            return None;
        }
        let ended = std::mem::replace(&mut *window, Window::begin(now));
        let patience = self.patience.as_nanos().saturating_mul(ended.answers.into());
        let in_time = usize::try_from(patience / length.as_nanos()).unwrap_or(usize::MAX);
        let limit = self.limit();
        let limit = if ended.total.as_nanos() > patience {
            in_time.clamp(limit / 2, limit)
        } else if ended.turned_away {
            in_time.clamp(limit, limit.saturating_mul(2))
        } else {
            return None;
        };
        let limit = limit.clamp(LEAST.min(self.most), self.most);
        self.limit.store(limit, Ordering::Relaxed);
        Some(limit)
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A limit of at most 4,096, and the time at which it begins.
    fn begin() -> (Capacity, Instant) {
        let now = Instant::now();
        (Capacity::new(4_096, SECOND, now), now)
    }

    /// Half a second in which so many a second are answered.
    fn pass(now: &mut Instant, rate: u32, answer: impl Fn(Instant)) {
        for _ in 0..rate / 2 {
            *now += SECOND / rate;
            answer(*now);
        }
    }

    /// Each is done after so long.
    fn pass_done(capacity: &Capacity, now: &mut Instant, rate: u32, took: Duration) {
        pass(now, rate, |now| {
            capacity.answered(true, took, now);
        });
    }

    #[test]
    fn late_answers_leave_as_many_as_are_answered_in_time() {
        let (capacity, mut now) = begin();
        assert_eq!(capacity.limit(), 1_024);
        pass_done(&capacity, &mut now, 800, 2 * SECOND);
        assert_eq!(capacity.limit(), 800);
        for expected in [400, LEAST, LEAST] {
            pass_done(&capacity, &mut now, 40, 5 * SECOND);
            assert_eq!(capacity.limit(), expected);
        }
    }

    #[test]
    fn it_rises_where_somebody_is_turned_away_without_need_and_no_further() {
        let (capacity, mut now) = begin();
        pass_done(&capacity, &mut now, 2_000, SECOND / 2);
        assert_eq!(capacity.limit(), 1_024);
        for (rate, expected) in [(2_000, 2_000), (2_000, 2_000), (10_000, 4_000), (10_000, 4_096)] {
            capacity.turned_away();
            pass_done(&capacity, &mut now, rate, SECOND / 2);
            assert_eq!(capacity.limit(), expected);
        }
    }

    #[test]
    fn refusals_that_come_soon_raise_nothing() {
        let (capacity, mut now) = begin();
        pass(&mut now, 800, |now| {
            for _ in 0..5 {
                assert_eq!(capacity.answered(false, SECOND / 200, now), None);
            }
            capacity.answered(true, 2 * SECOND, now);
        });
        assert_eq!(capacity.limit(), 800);
    }

    #[test]
    fn those_who_do_not_wait_for_their_answer_were_under_way() {
        let (capacity, mut now) = begin();
        pass(&mut now, 800, |now| {
            capacity.given_up(SECOND / 2);
            capacity.answered(true, SECOND * 9 / 10, now);
        });
        assert_eq!(capacity.limit(), 800);
    }

    #[test]
    fn a_silence_is_no_low_rate() {
        let (capacity, now) = begin();
        let later = now + 3_600 * SECOND;
        for _ in 1..ANSWERS {
            assert_eq!(capacity.answered(true, 2 * SECOND, later), None);
        }
        assert_eq!(capacity.answered(true, 2 * SECOND, later), Some(512));
    }

    #[test]
    fn a_few_late_answers_and_no_patience_change_nothing() {
        let (capacity, mut now) = begin();
        for _ in 1..ANSWERS {
            now += SECOND;
            capacity.answered(true, 9 * SECOND, now);
        }
        assert_eq!(capacity.limit(), 1_024);
        let capacity = Capacity::new(7, Duration::ZERO, now);
        pass_done(&capacity, &mut now, 800, 9 * SECOND);
        assert_eq!(capacity.limit(), 7);
    }
}
