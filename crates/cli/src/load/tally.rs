//! What was counted: answers by status, and latencies.

use super::connection::Answered;
use common::ids::OrderId;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest latency that is told apart from longer ones.
const LONGEST_US: u64 = 120_000_000;

pub struct Tally {
    pub duration: Duration,
    /// Answers by status; 0 for requests without one.
    pub statuses: BTreeMap<u16, u64>,
    /// Of answers 2xx, from the moment the request was due: what waits behind a slow answer counts.
    pub latency_us: Histogram<u64>,
    /// Of answers 429 and 503, from the moment they were sent.
    pub refusal_us: Histogram<u64>,
    /// Requests of an open loop whose moment passed while every connection was busy.
    pub unsent: u64,
    /// Every order that was answered 201, warm-up included.
    pub acknowledged: Vec<OrderId>,
}

impl Tally {
    pub fn new(duration: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            duration,
            statuses: BTreeMap::new(),
            latency_us: Histogram::new_with_max(LONGEST_US, 3)?,
            refusal_us: Histogram::new_with_max(LONGEST_US, 3)?,
            unsent: 0,
            acknowledged: Vec::new(),
        })
    }

    pub fn count(&mut self, answered: Answered, since_due: Duration, since_sent: Duration) {
        let status = match answered {
            Answered::Status(status, _) => status,
            Answered::Broken => 0,
        };
        *self.statuses.entry(status).or_default() += 1;
        match status {
            200..=299 => self.latency_us.saturating_record(micros(since_due)),
            429 | 503 => self.refusal_us.saturating_record(micros(since_sent)),
            _ => {}
        }
    }

    pub fn add(&mut self, part: &Self) -> anyhow::Result<()> {
        for (status, count) in &part.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.latency_us.add(&part.latency_us)?;
        self.refusal_us.add(&part.refusal_us)?;
        self.unsent += part.unsent;
        self.acknowledged.extend(&part.acknowledged);
        Ok(())
    }

    /// Answers 2xx.
    pub fn succeeded(&self) -> u64 {
        self.statuses.range(200..300).map(|(_, count)| count).sum()
    }

    pub fn answered(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Answers 2xx a second.
    pub fn throughput(&self) -> f64 {
        self.succeeded() as f64 / self.duration.as_secs_f64().max(0.001)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_successes_have_a_latency_and_only_refusals_are_timed_from_the_sending() {
        let mut tally = Tally::new(Duration::from_secs(2)).unwrap();
        let (due, sent) = (Duration::from_millis(30), Duration::from_millis(5));
        for answered in [Answered::Status(201, None), Answered::Status(503, None), Answered::Broken] {
            tally.count(answered, due, sent);
        }
        let mut sum = Tally::new(Duration::from_secs(2)).unwrap();
        sum.add(&tally).unwrap();
        assert_eq!(sum.statuses, BTreeMap::from([(0, 1), (201, 1), (503, 1)]));
        assert_eq!((sum.latency_us.len(), sum.refusal_us.len()), (1, 1));
        assert!(sum.latency_us.max() >= 30_000 && sum.refusal_us.max() < 6_000);
        assert!((sum.throughput() - 0.5).abs() < f64::EPSILON);
    }
}
