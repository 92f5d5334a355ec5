//! What is written together, when a write begins, and what becomes of a batch that fails.

use super::*;
use std::sync::Mutex;
use tokio::sync::Semaphore;

const LIMITS: BatchLimits =
    BatchLimits { queue: 8, entries: 4, weight: 10, overlap: None, patience: Duration::from_secs(60) };

type Batches = Arc<Mutex<Vec<Vec<usize>>>>;

/// A writer that records its batches and waits for a permit before each.
fn recording(limits: BatchLimits) -> (Batcher<usize, usize>, Arc<Semaphore>, Batches) {
    let (gate, batches) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (permits, written) = (gate.clone(), batches.clone());
    let write = move |entries: Vec<usize>| {
        let (permits, written) = (permits.clone(), written.clone());
        async move {
            permits.acquire().await.unwrap().forget();
            assert!(!entries.contains(&13), "thirteen breaks the writer");
            written.lock().unwrap().push(entries.clone());
            entries.iter().map(|entry| entry * 10).collect()
        }
    };
    let (batcher, _writer) = Batcher::start("test", limits, |entry| *entry, write);
    (batcher, gate, batches)
}

async fn submit_all(
    batcher: &Batcher<usize, usize>,
    entries: &[usize],
) -> Vec<JoinHandle<Result<usize, NotBatched>>> {
    let mut submitted = Vec::new();
    for &entry in entries {
        let batcher = batcher.clone();
        submitted.push(tokio::spawn(async move { batcher.submit(entry).await }));
        tokio::task::yield_now().await;
    }
    submitted
}

#[tokio::test]
async fn what_arrives_during_a_write_becomes_the_next_batch_in_order_and_within_limits() {
    let (batcher, gate, batches) = recording(LIMITS);
    let submitted = submit_all(&batcher, &[1, 2, 3, 4, 5, 9]).await;
    gate.add_permits(10);
    for (entry, answer) in [1, 2, 3, 4, 5, 9].into_iter().zip(submitted) {
        assert_eq!(answer.await.unwrap(), Ok(entry * 10));
    }
    assert_eq!(*batches.lock().unwrap(), vec![vec![1], vec![2, 3, 4], vec![5], vec![9]]);
}

#[tokio::test]
async fn a_second_write_begins_beside_the_first_where_many_wait() {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Batches::default());
    let (permits, seen) = (gate.clone(), begun.clone());
    let write = move |entries: Vec<usize>| {
        seen.lock().unwrap().push(entries.clone());
        let permits = permits.clone();
        async move {
            permits.acquire().await.unwrap().forget();
            entries
        }
    };
    let limits = BatchLimits { queue: 4, entries: 4, weight: 100, overlap: Some(3), ..LIMITS };
    let (batcher, _writer) = Batcher::start("test", limits, |_| 1, write);
    let begun_so_far = async || {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        begun.lock().unwrap().clone()
    };
    let mut submitted = submit_all(&batcher, &[1]).await;
    submitted.extend(submit_all(&batcher, &[2, 3]).await);
    assert_eq!(begun_so_far().await, [vec![1]]);
    submitted.extend(submit_all(&batcher, &[4, 5, 6, 7, 8, 9]).await);
    assert_eq!(begun_so_far().await, [vec![1], vec![2, 3, 4]]);
    // Two are under way: the others wait in the queue, which is full.
    assert_eq!(submitted.pop().unwrap().await.unwrap(), Err(NotBatched::QueueFull));
    gate.add_permits(2);
    assert_eq!(begun_so_far().await, [vec![1], vec![2, 3, 4], vec![5, 6, 7, 8]]);
    gate.add_permits(1);
    for answer in submitted {
        answer.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn entries_that_come_together_are_written_together() {
    let (batcher, gate, batches) = recording(LIMITS);
    gate.add_permits(10);
    let answers = batcher.submit_all(vec![1, 2, 3]).await;
    assert_eq!(answers, [Ok(10), Ok(20), Ok(30)]);
    assert_eq!(*batches.lock().unwrap(), vec![vec![1, 2, 3]]);
}

#[tokio::test]
async fn an_entry_heavier_than_a_batch_goes_alone() {
    let (batcher, gate, batches) = recording(LIMITS);
    let submitted = submit_all(&batcher, &[1, 2, 50, 3]).await;
    gate.add_permits(10);
    for answer in submitted {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(*batches.lock().unwrap(), vec![vec![1], vec![2], vec![50], vec![3]]);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (batcher, gate, _) = recording(BatchLimits { queue: 2, ..LIMITS });
    let submitted = submit_all(&batcher, &[1, 2, 3]).await;
    assert_eq!(batcher.submit(4).await, Err(NotBatched::QueueFull));
    gate.add_permits(10);
    for answer in submitted {
        answer.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_batch_that_dies_fails_alone_and_the_writer_lives_on() {
    let (batcher, gate, _) = recording(LIMITS);
    gate.add_permits(10);
    assert_eq!(batcher.submit(13).await, Err(NotBatched::BatchFailed));
    assert_eq!(batcher.submit(2).await, Ok(20));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_hangs_fails_alone_and_the_writer_goes_on() {
    let (batcher, gate, _) = recording(LIMITS);
    assert_eq!(batcher.submit(1).await, Err(NotBatched::BatchFailed));
    gate.add_permits(10);
    assert_eq!(batcher.submit(2).await, Ok(20));
}

#[tokio::test]
async fn a_caller_that_hangs_up_interrupts_nothing() {
    let (batcher, gate, batches) = recording(LIMITS);
    for gone in submit_all(&batcher, &[1, 2]).await {
        gone.abort();
    }
    gate.add_permits(10);
    assert_eq!(batcher.submit(3).await, Ok(30));
    assert_eq!(batches.lock().unwrap().concat(), vec![1, 2, 3]);
}
