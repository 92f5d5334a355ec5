//! Being woken: a change stream says that something changed, so that nobody has to wait for the next look. It says no
//! more than that: what changed is found by looking, and nothing depends on a change being announced.

use mongodb::Database;
use mongodb::bson::{Document, doc};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest that the server lets one question wait for a change.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pause after a stream that broke.
const REST: Duration = Duration::from_secs(5);

/// Between a look that found nothing and the first change after it there is a stream; while there is work there is none.
pub(super) struct Wake {
    asleep: Arc<Notify>,
    changed: Arc<Notify>,
}

impl Wake {
    pub fn start(
        database: &Database,
        collections: Vec<&'static str>,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (asleep, changed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let watcher = Watcher {
            database: database.clone(),
            collections,
            asleep: asleep.clone(),
            changed: changed.clone(),
            stop,
        };
        (Self { asleep, changed }, tokio::spawn(watcher.watch()))
    }

    /// Waits until something changes, but not for ever.
    pub async fn wait(&self, longest: Duration) {
        self.asleep.notify_one();
        // Whether it was woken or is early makes no difference.
        drop(tokio::time::timeout(longest, self.changed.notified()).await);
    }
}

struct Watcher {
    database: Database,
    collections: Vec<&'static str>,
    asleep: Arc<Notify>,
    changed: Arc<Notify>,
    stop: CancellationToken,
}

impl Watcher {
    async fn watch(self) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.asleep.notified() => {}
            }
            match self.until_changed().await {
                Ok(()) => self.changed.notify_one(),
                Err(error) => {
                    tracing::debug!(%error, "changes are not announced; they are looked for");
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(REST) => {}
                    }
                }
            }
        }
    }

    async fn until_changed(&self) -> Result<(), mongodb::error::Error> {
        let ours = [
            doc! { "$match": { "ns.coll": { "$in": self.collections.clone() } } },
            doc! { "$project": { "_id": 1 } },
        ];
        let stream = self.database.watch().pipeline(ours).max_await_time(PATIENCE).await?;
        let mut stream = stream.with_type::<Document>();
        // No future of the driver is dropped half-way: the token is looked at between two questions.
        while !self.stop.is_cancelled() {
            if stream.next_if_any().await?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}
