//! How many requests may be sent again: a tenth of all, so that a service in trouble is not buried by its callers.

use std::sync::atomic::{AtomicU32, Ordering};

/// What a retry costs; every request pays in 1.
const COST: u32 = 10;

/// Most that is saved up: retries of one bad moment after a long quiet.
const MOST: u32 = 100 * COST;

/// What a gateway that has just started may spend.
const FIRST: u32 = 10 * COST;

/// Counts requests against retries.
pub struct RetryBudget {
    saved: AtomicU32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { saved: AtomicU32::new(FIRST) }
    }
}

impl RetryBudget {
    /// A request arrived.
    pub fn deposit(&self) {
        let paid_in = |saved: u32| (saved < MOST).then_some(saved + 1);
        // Full is as good as paid in.
        _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid_in);
    }

    /// Whether one may be sent again.
    pub fn withdraw(&self) -> bool {
        let spent = |saved: u32| saved.checked_sub(COST);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_requests_may_be_sent_again_beyond_the_first_few() {
        let budget = RetryBudget::default();
        let first = (0..1000).filter(|_| budget.withdraw()).count();
        assert_eq!(first, 10);
        (0..95).for_each(|_| budget.deposit());
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 9);
        (0..1_000_000).for_each(|_| budget.deposit());
        assert_eq!((0..1000).filter(|_| budget.withdraw()).count(), 100);
    }
}
