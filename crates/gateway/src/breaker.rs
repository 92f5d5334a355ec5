//! A circuit breaker: after so many failures in a row a service is left alone for a while, then asked once; its first
//! answer closes the circuit again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct Breaker {
    failures_to_open: u32,
    open_for: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    failures: u32,
    /// While it is open: until when nobody is let through.
    open_until: Option<Instant>,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    None,
    Opened,
    Closed,
}

impl Breaker {
    /// Never opens where `failures_to_open` is 0.
    pub fn new(failures_to_open: u32, open_for: Duration) -> Self {
        Self { failures_to_open, open_for, state: Mutex::new(State { failures: 0, open_until: None }) }
    }

    /// Whether a request may go now. While the circuit is open one is let through each time the wait is over.
    pub fn lets_through(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + self.open_for);
                true
            }
        }
    }

    pub fn succeeded(&self) -> Change {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_open = state.open_until.is_some();
        *state = State { failures: 0, open_until: None };
        if was_open { Change::Closed } else { Change::None }
    }

    pub fn failed(&self, now: Instant) -> Change {
        if self.failures_to_open == 0 {
            return Change::None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures < self.failures_to_open {
            return Change::None;
        }
        let was_open = state.open_until.is_some();
        state.open_until = Some(now + self.open_for);
        if was_open { Change::None } else { Change::Opened }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_lets_one_through_after_the_wait_and_closes_on_an_answer() {
        let wait = Duration::from_secs(1);
        let (breaker, start) = (Breaker::new(3, wait), Instant::now());
        assert_eq!([breaker.failed(start), breaker.failed(start)], [Change::None; 2]);
        assert_eq!(breaker.succeeded(), Change::None);
        assert_eq!([breaker.failed(start), breaker.failed(start)], [Change::None; 2]);
        assert!(breaker.lets_through(start));
        assert_eq!(breaker.failed(start), Change::Opened);
        assert!(!breaker.lets_through(start + wait / 2));
        assert!(breaker.lets_through(start + wait));
        assert!(!breaker.lets_through(start + wait));
        assert_eq!(breaker.failed(start + wait), Change::None);
        assert!(!breaker.lets_through(start + wait + wait / 2));
        assert!(breaker.lets_through(start + wait * 2));
        assert_eq!(breaker.succeeded(), Change::Closed);
        assert!(breaker.lets_through(start + wait * 2));
    }

    #[test]
    fn without_a_number_it_never_opens() {
        let breaker = Breaker::new(0, Duration::from_secs(1));
        let now = Instant::now();
        assert!((0..1000).all(|_| breaker.failed(now) == Change::None && breaker.lets_through(now)));
    }
}
