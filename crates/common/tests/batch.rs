//! Batches whose writes fail in every way: each entry is answered once, none is written twice, and the writer lives on.

#![cfg(test)]
#![cfg(feature = "service")]

use common::batch::{BatchLimits, Batcher, NotBatched};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIMITS: BatchLimits =
    BatchLimits { queue: 16, entries: 4, weight: 12, overlap: None, patience: Duration::from_secs(5) };

/// How one write of the store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Works,
    /// It dies before it has written anything.
    DiesFirst,
    /// It writes and dies before it answers.
    DiesLast,
    /// It writes and never answers.
    Hangs,
    /// It writes and answers for one entry too few.
    AnswersTooFew,
}

#[derive(Clone, Debug)]
struct Entry {
    number: usize,
    weight: usize,
}

#[derive(Default)]
struct Store {
    /// What was written, in its order.
    written: Vec<usize>,
    batches: Vec<Vec<Entry>>,
}

fn writes() -> impl Strategy<Value = Write> {
    prop_oneof![
        4 => Just(Write::Works),
        1 => Just(Write::DiesFirst),
        1 => Just(Write::DiesLast),
        1 => Just(Write::Hangs),
        1 => Just(Write::AnswersTooFew),
    ]
}

fn start(plan: Vec<Write>, overlap: Option<usize>, store: Arc<Mutex<Store>>) -> Batcher<Entry, usize> {
    let write = move |entries: Vec<Entry>| {
        let (plan, store) = (plan.clone(), store.clone());
        async move {
            // A write takes its time, by a clock that stands still but for those who wait on it.
            tokio::time::sleep(Duration::from_millis(10)).await;
            let how = {
                let mut store = store.lock().unwrap();
                let how = plan.get(store.batches.len()).copied().unwrap_or(Write::Works);
                store.batches.push(entries.clone());
                if how != Write::DiesFirst {
                    store.written.extend(entries.iter().map(|entry| entry.number));
                }
                how
            };
            match how {
                Write::Works => entries.iter().map(|entry| entry.number * 10).collect(),
                Write::AnswersTooFew => entries.iter().skip(1).map(|entry| entry.number * 10).collect(),
                Write::Hangs => std::future::pending().await,
                Write::DiesFirst | Write::DiesLast => panic!("the store is gone"),
            }
        }
    };
    Batcher::start("test", BatchLimits { overlap, ..LIMITS }, |entry: &Entry| entry.weight, write).0
}

async fn submit_all(
    plan: &[Write],
    overlap: Option<usize>,
    arrivals: &[(usize, u64)],
) -> (Vec<Result<usize, NotBatched>>, Store) {
    let store = Arc::new(Mutex::new(Store::default()));
    let batcher = start(plan.to_vec(), overlap, store.clone());
    let mut submitted = Vec::new();
    for (number, (weight, pause_ms)) in arrivals.iter().copied().enumerate() {
        // When each arrives is a part of the case, and by the same clock.
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        let batcher = batcher.clone();
        submitted.push(tokio::spawn(async move { batcher.submit(Entry { number, weight }).await }));
        tokio::task::yield_now().await;
    }
    let mut answers = Vec::new();
    for answer in submitted {
        answers.push(answer.await.unwrap());
    }
    // Whatever happened before, the writer still writes: after as many batches as there were plans all work.
    for _ in 0..=plan.len() {
        let _perhaps = batcher.submit(Entry { number: usize::MAX / 10, weight: 1 }).await;
    }
    assert!(batcher.submit(Entry { number: usize::MAX / 10, weight: 1 }).await.is_ok());
    let store = std::mem::take(&mut *store.lock().unwrap());
    (answers, store)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_entry_is_answered_once_and_written_at_most_once(
        plan in prop::collection::vec(writes(), 0..12),
        overlap in prop::option::of(1..6_usize),
        arrivals in prop::collection::vec((1..16_usize, 0..12_u64), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (answers, store) = runtime.block_on(submit_all(&plan, overlap, &arrivals));
        let written: Vec<usize> =
            store.written.iter().copied().filter(|number| *number < arrivals.len()).collect();
        let distinct: HashSet<usize> = written.iter().copied().collect();
        prop_assert_eq!(distinct.len(), written.len(), "an entry was written twice");
        prop_assert!(overlap.is_some() || written.is_sorted(), "the order of arrival was not kept");
        for (number, answer) in answers.iter().enumerate() {
            match answer {
                Ok(value) => {
                    prop_assert_eq!(*value, number * 10, "somebody else's answer");
                    prop_assert!(distinct.contains(&number), "answered and not written");
                }
                Err(NotBatched::QueueFull) => prop_assert!(!distinct.contains(&number), "refused and written"),
                Err(NotBatched::BatchFailed) => {}
                Err(NotBatched::Stopping) => prop_assert!(false, "nobody is stopping"),
            }
        }
        for batch in &store.batches {
            let weight: usize = batch.iter().map(|entry| entry.weight).sum();
            prop_assert!(batch.len() <= LIMITS.entries);
            prop_assert!(weight <= LIMITS.weight || batch.len() == 1);
        }
    }
}
