//! Trying again while a shop restarts: the same request with the same key, for a bounded time.

use oms_client::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// First pause between tries; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long requests are tried again, shared by all that are in flight.
pub struct Patience {
    /// Longest that one request is tried.
    budget: Duration,
    retries: AtomicU64,
    /// When any request was last answered for good.
    last_answer: Mutex<Instant>,
    /// Nobody was answered for a whole budget: what is still to come is tried once.
    has_ended: AtomicBool,
}

impl Patience {
    pub fn new(budget: Duration) -> Self {
        Self {
            budget,
            retries: AtomicU64::new(0),
            last_answer: Mutex::new(Instant::now()),
            has_ended: AtomicBool::new(false),
        }
    }

    /// Tries until there is an answer that will not change, or the budget is used up.
    pub async fn insist<T>(&self, mut request: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match request().await {
                Err(failure) if is_passing(&failure) => failure,
                outcome => {
                    *self.last_answer.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                    return outcome;
                }
            };
            if self.has_ended.load(Ordering::Relaxed) {
                return Err(failure);
            }
            if began.elapsed() >= self.budget {
                let last_answer = *self.last_answer.lock().unwrap_or_else(PoisonError::into_inner);
                if last_answer.elapsed() >= self.budget {
                    self.has_ended.store(true, Ordering::Relaxed);
                }
                return Err(failure);
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(common::mongo::jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Requests that were sent again so far.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}

/// Whether a later try may be answered otherwise. 401 is among them: a customer-service that restarts with another
/// key is followed by a new log-in.
fn is_passing(failure: &Error) -> bool {
    match failure {
        Error::Transport(_) | Error::Timeout => true,
        Error::Problem { status, .. } => matches!(status, 401 | 429 | 502 | 503 | 504),
        Error::Decode(_) | Error::Configuration(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_that_may_pass_is_tried_again_and_counted() {
        let patience = Patience::new(Duration::from_secs(60));
        let mut tries = 0;
        let answer = patience
            .insist(async || {
                tries += 1;
                if tries < 3 { Err(Error::Timeout) } else { Ok(tries) }
            })
            .await;
        assert_eq!((answer.unwrap(), patience.retries()), (3, 2));
    }

    #[tokio::test]
    async fn an_answer_that_will_not_change_is_not_asked_for_again() {
        let patience = Patience::new(Duration::from_secs(60));
        let refused = patience.insist(async || Err::<(), _>(Error::Configuration("no".into()))).await;
        assert!(refused.is_err());
        assert_eq!(patience.retries(), 0);
    }

    #[tokio::test]
    async fn once_nobody_is_answered_for_a_whole_budget_the_rest_is_tried_once() {
        let patience = Patience::new(Duration::ZERO);
        for _ in 0..2 {
            let mut tries = 0;
            let failed = patience
                .insist(async || {
                    tries += 1;
                    Err::<(), _>(Error::Timeout)
                })
                .await;
            assert!(failed.is_err());
            assert_eq!(tries, 1);
        }
        assert!(patience.has_ended.load(Ordering::Relaxed));
    }
}
