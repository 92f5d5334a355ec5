//! What was done to the shop and what it answered.

use common::ids::OrderId;
use common::money::Amount;
use oms_client::Error;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a client heard of its request.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The total is that of a confirmed order; cancelling changes it.
    Created { id: OrderId, total: Option<Amount> },
    /// The order exists and never will be placed.
    Rejected { id: OrderId },
    /// The move was made, now or by an earlier request with its key.
    Moved,
    /// The order's state does not allow the move.
    NotAllowed,
    /// Nothing for certain.
    Nothing,
}

/// Everything that is counted while clients and faults are at work.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<Counts>,
}

#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub faults: BTreeMap<&'static str, u64>,
    /// By status, or by what came instead of one.
    pub answers: BTreeMap<String, u64>,
    pub confirmed: u64,
    pub longest_gap: Duration,
    last_confirmed: Option<Instant>,
    /// Answers that may never be given.
    pub violations: Vec<String>,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn fault(&self, label: &'static str) {
        *self.lock().faults.entry(label).or_default() += 1;
    }

    /// An order was confirmed for the first time that its client heard of it.
    pub fn confirmed(&self) {
        let mut counts = self.lock();
        let now = Instant::now();
        if let Some(last) = counts.last_confirmed.replace(now) {
            counts.longest_gap = counts.longest_gap.max(now - last);
        }
        counts.confirmed += 1;
    }

    pub fn violation(&self, what: String) {
        self.lock().violations.push(what);
    }

    pub fn answered(&self, status: impl ToString) {
        *self.lock().answers.entry(status.to_string()).or_default() += 1;
    }

    /// Counts a failure and says what is known after it.
    pub fn failed(&self, what: &str, error: &Error) -> Heard {
        let Error::Problem { status, problem } = error else {
            self.answered(match error {
                Error::Timeout => "no answer in time",
                _ => "no answer",
            });
            return Heard::Nothing;
        };
        self.answered(status);
        let order = || problem.extensions.get("orderId")?.as_str()?.parse().ok();
        match (*status, &*problem.code) {
            (401 | 408 | 429 | 502 | 503 | 504, _) => Heard::Nothing,
            (409, "illegal_transition" | "too_many_units" | "nothing_to_change") => Heard::NotAllowed,
            (409 | 422, _) if problem.extensions.contains_key("rejections") => match order() {
                Some(id) => Heard::Rejected { id },
                None => Heard::Nothing,
            },
            (_, code) => {
                self.violation(format!("{what} was answered {status} {code}: {}", problem.detail));
                Heard::Nothing
            }
        }
    }

    pub fn counts(&self) -> Counts {
        self.lock().clone()
    }
}
