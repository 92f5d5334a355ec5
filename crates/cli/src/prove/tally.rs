//! What was done to the shop and what it answered.

use oms_client::Error;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    /// Whether the clients have gone home: what is confirmed from then on ends no gap.
    is_over: bool,
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
        if let Some(last) = counts.last_confirmed.replace(now).filter(|_| !counts.is_over) {
            counts.longest_gap = counts.longest_gap.max(now - last);
        }
        counts.confirmed += 1;
    }

    /// The clients go home.
    pub fn end(&self) {
        self.lock().is_over = true;
    }

    pub fn violation(&self, what: String) {
        self.lock().violations.push(what);
    }

    pub fn answered(&self, status: impl ToString) {
        *self.lock().answers.entry(status.to_string()).or_default() += 1;
    }

    pub fn failed(&self, error: &Error) {
        match error {
            Error::Problem { status, .. } => self.answered(status),
            Error::Timeout => self.answered("no answer in time"),
            _ => self.answered("no answer"),
        }
    }

    pub fn counts(&self) -> Counts {
        self.lock().clone()
    }
}
