//! Group commit: one writer takes whatever came in while its last write was in flight.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Bounds of a batcher.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Entries that may wait; one more is refused at once.
    pub queue: usize,
    /// Most entries of one write.
    pub entries: usize,
    /// Most weight of one write. An entry that is heavier goes alone.
    pub weight: usize,
    /// How long one write may take before its entries are told that it failed and the next one begins.
    pub patience: Duration,
}

/// Why an entry has no answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBatched {
    /// Nothing was written; the entry may be sent again at once.
    #[error("the queue is full")]
    QueueFull,
    /// The write of this entry's batch died: what it did is not known.
    #[error("the batch failed")]
    BatchFailed,
    #[error("the service is stopping")]
    Stopping,
}

struct Waiting<Entry, Answer> {
    entry: Entry,
    answer: oneshot::Sender<Result<Answer, NotBatched>>,
}

/// A bounded queue with one writer behind it. The order of arrival is the order in a batch. There is no timer: an
/// idle writer writes at once, a busy one finds a batch waiting. Dropping every handle ends the writer after it has
/// written what was queued.
pub struct Batcher<Entry, Answer> {
    queue: mpsc::Sender<Waiting<Entry, Answer>>,
}

impl<Entry, Answer> Clone for Batcher<Entry, Answer> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<Entry, Answer> Batcher<Entry, Answer>
where
    Entry: Send + 'static,
    Answer: Send + 'static,
{
    /// Starts the writer. `write` answers every entry of a batch, in their order; `weight` weighs one.
    pub fn start<Write, Written>(
        name: &'static str,
        limits: BatchLimits,
        weight: fn(&Entry) -> usize,
        write: Write,
    ) -> (Self, JoinHandle<()>)
    where
        Write: Fn(Vec<Entry>) -> Written + Send + Sync + 'static,
        Written: Future<Output = Vec<Answer>> + Send + 'static,
    {
        let (queue, arrivals) = mpsc::channel(limits.queue);
        let writer = tokio::spawn(run_writer(name, limits, weight, Arc::new(write), arrivals));
        (Self { queue }, writer)
    }

    /// Queues an entry and waits for its answer. A caller that stops waiting does not take its entry back.
    pub async fn submit(&self, entry: Entry) -> Result<Answer, NotBatched> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { entry, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => NotBatched::QueueFull,
            mpsc::error::TrySendError::Closed(_) => NotBatched::Stopping,
        })?;
        answered.await.unwrap_or(Err(NotBatched::BatchFailed))
    }

    /// Entries waiting now.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

async fn run_writer<Entry, Answer, Write, Written>(
    name: &'static str,
    limits: BatchLimits,
    weight: fn(&Entry) -> usize,
    write: Arc<Write>,
    mut arrivals: mpsc::Receiver<Waiting<Entry, Answer>>,
) where
    Entry: Send + 'static,
    Answer: Send + 'static,
    Write: Fn(Vec<Entry>) -> Written + Send + Sync + 'static,
    Written: Future<Output = Vec<Answer>> + Send + 'static,
{
    let mut backlog = VecDeque::new();
    let mut arrived = Vec::with_capacity(limits.entries);
    loop {
        if backlog.is_empty() && arrivals.recv_many(&mut arrived, limits.entries).await == 0 {
            return;
        }
        backlog.extend(arrived.drain(..));
        let (entries, answers) = take_batch(&mut backlog, limits, weight);
        // The write runs in a task of its own, so that one that panics or hangs fails its batch and not the writer. One
        // that hangs is left to itself: what it writes late is what its entries' identities stand for.
        match tokio::time::timeout(limits.patience, tokio::spawn(write(entries))).await {
            Err(_) => tracing::error!(batcher = name, entries = answers.len(), "a batch hangs"),
            Ok(Ok(outcomes)) if outcomes.len() == answers.len() => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // A caller that no longer listens has its deadline behind it; its entry stands as written.
                    drop(answer.send(Ok(outcome)));
                }
            }
            Ok(Ok(outcomes)) => {
                tracing::error!(
                    batcher = name,
                    entries = answers.len(),
                    outcomes = outcomes.len(),
                    "answers missing"
                );
            }
            Ok(Err(failure)) => tracing::error!(batcher = name, %failure, "a batch failed"),
        }
    }
}

type Answers<Answer> = Vec<oneshot::Sender<Result<Answer, NotBatched>>>;

fn take_batch<Entry, Answer>(
    backlog: &mut VecDeque<Waiting<Entry, Answer>>,
    limits: BatchLimits,
    weight: fn(&Entry) -> usize,
) -> (Vec<Entry>, Answers<Answer>) {
    let mut entries = Vec::new();
    let mut answers = Vec::new();
    let mut total = 0;
    while let Some(next) = backlog.pop_front() {
        let heavier = weight(&next.entry).saturating_add(total);
        if !entries.is_empty() && (heavier > limits.weight || entries.len() >= limits.entries) {
            backlog.push_front(next);
            break;
        }
        total = heavier;
        entries.push(next.entry);
        answers.push(next.answer);
    }
    (entries, answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::sync::Semaphore;

    const LIMITS: BatchLimits =
        BatchLimits { queue: 8, entries: 4, weight: 10, patience: Duration::from_secs(60) };

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
}
