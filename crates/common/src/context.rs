//! What follows a request through tasks and hops: its identity, its trace and the time it has left.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

tokio::task_local! {
    static CURRENT: Context;
}

/// One request's context; cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// `X-Request-Id`: the client's, or one of ours.
    pub request_id: Arc<str>,
    /// W3C Trace Context, passed on as it came.
    pub traceparent: Option<Arc<str>>,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// Where the request's work runs, if not on the thread that serves it.
    pub tasks: Option<Tasks>,
}

/// The tasks of a service, on a runtime that outlives the threads that serve requests: such a thread may end as soon
/// as it has no connection left, and would take its tasks with it.
#[derive(Clone, Debug)]
pub struct Tasks {
    runtime: Handle,
    tracker: TaskTracker,
}

impl Tasks {
    /// On the runtime that calls this.
    pub fn here() -> Self {
        Self { runtime: Handle::current(), tracker: TaskTracker::new() }
    }

    /// Waits until every task has ended, but not for ever. Answers whether they have.
    pub async fn finish(&self, limit: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}

impl Context {
    /// For work that no request asked for.
    pub fn background(budget: Duration) -> Self {
        let request_id = uuid::Uuid::now_v7().to_string().into();
        Self { request_id, traceparent: None, deadline: Instant::now() + budget, tasks: None }
    }

    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// The context of the running task, where it has one.
pub fn current() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Time until the caller stops waiting; `otherwise` where no request is being served.
pub fn time_left(otherwise: Duration) -> Duration {
    CURRENT.try_with(Context::time_left).unwrap_or(otherwise)
}

/// Runs a future under a context.
pub async fn scope<F: Future>(context: Context, future: F) -> F::Output {
    CURRENT.scope(context, future).await
}

/// Spawns a task that keeps the context and the log span of this one.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let span = tracing::Span::current();
    let Some(context) = current() else { return tokio::spawn(future.instrument(span)) };
    match context.tasks.clone() {
        Some(tasks) => tasks.tracker.spawn_on(scope(context, future).instrument(span), &tasks.runtime),
        None => tokio::spawn(scope(context, future).instrument(span)),
    }
}

/// The deadline passed, or the task died.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    #[error("the deadline passed")]
    TimedOut,
    #[error("the task failed")]
    Failed(#[source] tokio::task::JoinError),
}

/// Runs work in its own task until it ends, and waits for it until the deadline. A client that hangs up or a
/// deadline that passes interrupts the waiting and never the work: a dropped driver future can corrupt the
/// driver's state, and a placement dropped half-way would have to be swept up.
pub async fn run_to_end<F>(future: F) -> Result<F::Output, Interrupted>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let limit = time_left(Duration::from_secs(30));
    match tokio::time::timeout(limit, spawn(future)).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(failure)) => Err(Interrupted::Failed(failure)),
        Err(_) => Err(Interrupted::TimedOut),
    }
}

impl From<Interrupted> for crate::error::ApiError {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::TimedOut => Self::unavailable().code("timed_out").caused_by(interrupted),
            Interrupted::Failed(_) => Self::internal(interrupted),
        }
    }
}
