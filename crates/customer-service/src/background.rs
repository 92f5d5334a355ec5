//! Work that a request starts and does not wait for: bounded, and finished before the process ends.

use common::context::{self, Context};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Most pieces of work at the same time.
const MOST: u32 = 256;

/// Longest that a piece may take.
const BUDGET: Duration = Duration::from_secs(30);

/// Too much is under way already.
#[derive(Debug, thiserror::Error)]
#[error("too much is under way")]
pub struct Busy;

pub struct Background {
    permits: Arc<Semaphore>,
}

impl Background {
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(usize::try_from(MOST).unwrap_or(usize::MAX))) }
    }

    pub fn start(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), Busy> {
        let permit = self.permits.clone().try_acquire_owned().map_err(|_| Busy)?;
        drop(tokio::spawn(context::scope(Context::background(BUDGET), async move {
            work.await;
            drop(permit);
        })));
        Ok(())
    }

    /// Waits until nothing is under way, for so long at most.
    pub async fn finish(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.permits.acquire_many(MOST)).await.is_err() {
            tracing::warn!("stopped while mails were on their way");
        }
    }
}

impl Default for Background {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_is_bounded_and_waited_for() {
        let background = Background::new();
        let (finish, finished) = oneshot::channel::<()>();
        background.start(async move { drop(finished.await) }).unwrap();
        for _ in 1..MOST {
            background.start(std::future::pending()).unwrap();
        }
        assert!(background.start(async {}).is_err());
        finish.send(()).unwrap();
        let single = Background::new();
        single.start(async {}).unwrap();
        single.finish(Duration::from_secs(60)).await;
        assert_eq!(single.permits.available_permits(), 256);
    }
}
