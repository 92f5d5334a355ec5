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
        let mut under_way = FuturesUnordered::new();
        let mut is_open = true;
        loop {
            let mut enough = self.enough(under_way.len());
            while enough.is_some_and(|enough| backlog.len() >= enough) {
                while backlog.len() < self.limits.entries
                    && let Ok(next) = arrivals.try_recv()
                {
                    backlog.push_back(next);
                }
                let batch = take_batch(&mut backlog, self.limits, self.weight);
                self.metrics.taken(&batch.since);
                under_way.push(self.write(batch));
                enough = self.enough(under_way.len());
            }
            tokio::select! {
                Some(()) = under_way.next() => {}
                // What no write waits for stays in the queue, which has a bound.
                next = arrivals.recv(), if is_open && enough.is_some() => {
                    is_open = next.is_some();
                    backlog.extend(next);
                }
                else => return,
            }
        }
    }

    /// How many must wait for another write to begin while so many are under way; `None`: none begins.
    fn enough(&self, under_way: usize) -> Option<usize> {
        match under_way {
            0 => Some(1),
            1 => self.limits.overlap,
            _ => None,
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
mod tests;
