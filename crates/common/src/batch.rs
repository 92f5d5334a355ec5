//! Group commit: one writer takes whatever came in while its last write was in flight.

use crate::context::{self, Context};
use crate::metrics::batch::BatchMetrics;
use crate::traces;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use opentelemetry::trace::SpanContext;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument;

/// Bounds of a batcher.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// Entries that may wait; one more is refused at once.
    pub queue: usize,
    /// Most entries of one write.
    pub entries: usize,
    /// Most weight of one write. An entry that is heavier goes alone.
    pub weight: usize,
    /// Where so many wait, a second write begins beside the first; `None`: never.
    pub overlap: Option<usize>,
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

type Answered<Answer> = oneshot::Receiver<Result<Answer, NotBatched>>;

struct Waiting<Entry, Answer> {
    entry: Entry,
    answer: oneshot::Sender<Result<Answer, NotBatched>>,
    since: Instant,
    /// The span that waits, where spans are recorded.
    span: Option<SpanContext>,
    /// The request that waits, where one does.
    request_id: Option<Arc<str>>,
}

/// A bounded queue with one writer behind it. The order of arrival is the order in a batch. There is no timer: an
/// idle writer writes at once, a busy one finds a batch waiting, and one that may have two writes under way begins the
/// second where many wait. Dropping every handle ends the writer after it has written what was queued.
pub struct Batcher<Entry, Answer> {
    queue: mpsc::Sender<Waiting<Entry, Answer>>,
    metrics: BatchMetrics,
}

impl<Entry, Answer> Clone for Batcher<Entry, Answer> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), metrics: self.metrics.clone() }
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
        let metrics = BatchMetrics::new(name, &limits);
        let writing = Writing { name, limits, weight, write: Arc::new(write), metrics: metrics.clone() };
        (Self { queue, metrics }, tokio::spawn(writing.run(arrivals)))
    }

    /// Queues an entry and waits for its answer. A caller that stops waiting does not take its entry back.
    pub async fn submit(&self, entry: Entry) -> Result<Answer, NotBatched> {
        let (waiting, answered) = prepare(entry);
        self.enqueue(waiting)?;
        answered.await.unwrap_or(Err(NotBatched::BatchFailed))
    }

    /// Queues entries in their order and waits for the answer of each.
    pub async fn submit_all(&self, entries: Vec<Entry>) -> Vec<Result<Answer, NotBatched>> {
        // Queued without anything between them: an idle writer takes what it finds, and should find them all.
        let prepared: Vec<_> = entries.into_iter().map(prepare).collect();
        let queued: Vec<_> = prepared
            .into_iter()
            .map(|(waiting, answered)| self.enqueue(waiting).map(|()| answered))
            .collect();
        let mut answers = Vec::with_capacity(queued.len());
        for queued in queued {
            answers.push(match queued {
                Ok(answered) => answered.await.unwrap_or(Err(NotBatched::BatchFailed)),
                Err(refused) => Err(refused),
            });
        }
        answers
    }

    fn enqueue(&self, waiting: Waiting<Entry, Answer>) -> Result<(), NotBatched> {
        // Counted before it is sent: the writer may take it, and count it out, at once.
        self.metrics.queued();
        let Err(refused) = self.queue.try_send(waiting) else { return Ok(()) };
        let reason = match refused {
            mpsc::error::TrySendError::Full(_) => NotBatched::QueueFull,
            mpsc::error::TrySendError::Closed(_) => NotBatched::Stopping,
        };
        self.metrics.refused(reason);
        Err(reason)
    }

    /// Entries waiting now.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// An entry as it waits, and where its answer comes.
fn prepare<Entry, Answer>(entry: Entry) -> (Waiting<Entry, Answer>, Answered<Answer>) {
    let (answer, answered) = oneshot::channel();
    let request_id = context::current().map(|context| context.request_id);
    let waiting = Waiting { entry, answer, since: Instant::now(), span: traces::current(), request_id };
    (waiting, answered)
}

/// The writer behind a queue.
struct Writing<Entry, Write> {
    name: &'static str,
    limits: BatchLimits,
    weight: fn(&Entry) -> usize,
    write: Arc<Write>,
    metrics: BatchMetrics,
}

impl<Entry: Send + 'static, Write> Writing<Entry, Write> {
    async fn run<Answer, Written>(self, mut arrivals: mpsc::Receiver<Waiting<Entry, Answer>>)
    where
        Answer: Send + 'static,
        Write: Fn(Vec<Entry>) -> Written + Send + Sync + 'static,
        Written: Future<Output = Vec<Answer>> + Send + 'static,
    {
        let mut backlog = VecDeque::new();
        let mut arrived = Vec::with_capacity(self.limits.entries);
        let mut under_way = FuturesUnordered::new();
        let mut is_open = true;
        loop {
            while self.may_begin(under_way.len(), backlog.len()) {
                while backlog.len() < self.limits.entries
                    && let Ok(next) = arrivals.try_recv()
                {
                    backlog.push_back(next);
                }
                let batch = take_batch(&mut backlog, self.limits, self.weight);
                self.metrics.taken(&batch.since);
                under_way.push(self.write(batch));
            }
            let wanted = self.wanted(under_way.len()).saturating_sub(backlog.len());
            tokio::select! {
                Some(()) = under_way.next() => {}
                count = arrivals.recv_many(&mut arrived, wanted), if is_open && wanted > 0 => {
                    is_open = count > 0;
                    backlog.extend(arrived.drain(..));
                }
                else => return,
            }
        }
    }

    fn may_begin(&self, under_way: usize, waiting: usize) -> bool {
        match (under_way, self.limits.overlap) {
            (0, _) => waiting > 0,
            (1, Some(many)) => waiting >= many,
            _ => false,
        }
    }

    /// Entries to be taken in for the next write while so many are under way. The others stay in the queue, which has a
    /// bound.
    fn wanted(&self, under_way: usize) -> usize {
        match (under_way, self.limits.overlap) {
            (0, _) => self.limits.entries,
            (1, Some(many)) => many,
            _ => 0,
        }
    }

    /// The write runs in a task of its own, so that one that panics or hangs fails its batch and not the writer. One
    /// that hangs is left to itself: what it writes late is what its entries' identities stand for.
    async fn write<Answer, Written>(&self, batch: Batch<Entry, Answer>)
    where
        Answer: Send + 'static,
        Write: Fn(Vec<Entry>) -> Written,
        Written: Future<Output = Vec<Answer>> + Send + 'static,
    {
        let (name, entries, begun) = (self.name, batch.answers.len(), Instant::now());
        // A batch works for many requests: it is a trace of its own that names each of them.
        let context = self.context(&batch.requests);
        let request_id = &*context.request_id;
        let span = if traces::are_on() {
            tracing::info_span!(parent: None, "batch", otel.name = name, entries, request_id)
        } else {
            tracing::info_span!(parent: None, "batch", request_id)
        };
        // What the batch asks of other services bears its identity: this line says whose it is.
        tracing::debug!(parent: &span, batcher = name, requests = ?batch.requests, "written together");
        traces::link(&span, batch.spans.into_iter());
        let writing = tokio::spawn(context::scope(context, (self.write)(batch.entries)).instrument(span));
        let written = tokio::time::timeout(self.limits.patience, writing);
        match written.await {
            Ok(Ok(outcomes)) if outcomes.len() == entries => {
                self.metrics.written(begun.elapsed());
                for (answer, outcome) in batch.answers.into_iter().zip(outcomes) {
                    // A caller that no longer listens has its deadline behind it; its entry stands as written.
                    drop(answer.send(Ok(outcome)));
                }
                return;
            }
            Ok(Ok(outcomes)) => {
                tracing::error!(batcher = name, entries, outcomes = outcomes.len(), "answers missing");
            }
            Ok(Err(failure)) => tracing::error!(batcher = name, %failure, "a batch failed"),
            Err(_) => tracing::error!(batcher = name, entries, "a batch hangs"),
        }
        self.metrics.batch_failed(entries);
    }
}

impl<Entry, Write> Writing<Entry, Write> {
    /// Of the request that is alone in its batch, or of the batch.
    fn context(&self, requests: &[Arc<str>]) -> Context {
        let batch = Context::background(self.limits.patience);
        match requests {
            [request_id] => Context { request_id: request_id.clone(), ..batch },
            _ => batch,
        }
    }
}

/// What is written together.
struct Batch<Entry, Answer> {
    entries: Vec<Entry>,
    answers: Vec<oneshot::Sender<Result<Answer, NotBatched>>>,
    /// When each came in.
    since: Vec<Instant>,
    spans: Vec<SpanContext>,
    requests: Vec<Arc<str>>,
}

fn take_batch<Entry, Answer>(
    backlog: &mut VecDeque<Waiting<Entry, Answer>>,
    limits: BatchLimits,
    weight: fn(&Entry) -> usize,
) -> Batch<Entry, Answer> {
    let mut batch = Batch {
        entries: Vec::new(),
        answers: Vec::new(),
        since: Vec::new(),
        spans: Vec::new(),
        requests: Vec::new(),
    };
    let mut total = 0;
    while let Some(next) = backlog.pop_front() {
        let heavier = weight(&next.entry).saturating_add(total);
        if !batch.entries.is_empty() && (heavier > limits.weight || batch.entries.len() >= limits.entries) {
            backlog.push_front(next);
            break;
        }
        total = heavier;
        batch.entries.push(next.entry);
        batch.answers.push(next.answer);
        batch.since.push(next.since);
        batch.spans.extend(next.span);
        batch.requests.extend(next.request_id);
    }
    batch
}

#[cfg(test)]
mod tests {
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
}
