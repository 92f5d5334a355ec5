//! The collector: one at a time of a service's replicas, it looks for documents that changed and appends what the log
//! lacks of them.

use super::EventSettings;
use super::log::EventLog;
use super::source::Source;
use super::wake::Wake;
use super::watched::{Appending, LookError, Watched};
use crate::lease::Leases;
use crate::mongo::{MongoSettings, StoreError, jitter};
use crate::time::Timestamp;
use mongodb::Database;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The lease of this work.
const LEASE: &str = "event collector";

/// How often old events are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Everything is told.
    Idle,
    /// There was something.
    Busy,
    /// There is more to look at.
    More,
    /// Another replica collects.
    Elsewhere,
}

/// Collects for one database.
pub struct Collector {
    database: Database,
    log: EventLog,
    leases: Leases,
    settings: EventSettings,
    watched: Vec<Watched>,
    /// While the lease is held.
    held: Option<Held>,
}

/// What a holder knows.
struct Held {
    renewed: Instant,
    appending: Appending,
    pruned: Option<Instant>,
}

impl Collector {
    /// With a client of its own, so that it never takes a connection from a request.
    pub async fn connect(
        mongo: &MongoSettings,
        application: &str,
        settings: EventSettings,
        sources: &[Source],
    ) -> anyhow::Result<Self> {
        let database = crate::mongo::connect_aside(mongo, application).await?;
        Ok(Self::new(&database, settings, sources))
    }

    pub fn new(database: &Database, settings: EventSettings, sources: &[Source]) -> Self {
        Self {
            database: database.clone(),
            log: EventLog::new(database),
            leases: Leases::new(database, Duration::from_millis(settings.lease_ms)),
            settings,
            watched: sources.iter().map(|source| Watched::new(database, *source)).collect(),
            held: None,
        }
    }

    /// Collects until it is told to stop, at its own pace: after every step it rests twice as long as that took, or for as
    /// long as the lease allows, so that no order waits for more than a step; and no look is made so soon after the last
    /// one that most of what it reads is known.
    pub async fn run(mut self, stop: CancellationToken) {
        if !self.settings.enabled {
            return;
        }
        let collections = self.watched.iter().map(Watched::collection).collect();
        let wake = self.settings.watch.then(|| Wake::start(&self.database, collections, stop.clone()));
        let interval = Duration::from_millis(self.settings.interval_ms);
        while !stop.is_cancelled() {
            let begun = Instant::now();
            let turn = self.turn().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "events are not collected; they will be");
                Turn::Elsewhere
            });
            let rest = begun.elapsed();
            let pause = async {
                match turn {
                    Turn::Elsewhere => tokio::time::sleep(jitter(self.leases.renew_every())).await,
                    // Not for so long that somebody else takes the lease meanwhile.
                    Turn::More => tokio::time::sleep((rest * 2).min(self.leases.length() / 2)).await,
                    Turn::Busy => {
                        tokio::time::sleep((rest * 2).min(self.leases.length() / 2).max(interval)).await;
                    }
                    Turn::Idle => {
                        match &wake {
                            Some((wake, _)) => wake.wait(interval * 4).await,
                            None => tokio::time::sleep(interval * 4).await,
                        }
                        tokio::time::sleep(rest.min(interval)).await;
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = pause => {}
            }
        }
        if let Err(error) = self.leave().await {
            tracing::debug!(%error, "the lease ends by itself");
        }
        if let Some((_, watching)) = wake
            && watching.await.is_err()
        {
            tracing::error!("the watcher of changes failed");
        }
    }

    /// A step of the look at every source.
    pub async fn turn(&mut self) -> Result<Turn, StoreError> {
        if !self.keep_lease().await? {
            return Ok(Turn::Elsewhere);
        }
        let Some(held) = &mut self.held else { return Ok(Turn::Elsewhere) };
        let mut turn = Turn::Idle;
        for watched in &mut self.watched {
            match watched.look(&mut held.appending).await {
                Ok(looked) => turn = turn.max(looked),
                Err(LookError::Store(error)) => {
                    // Whether the last append came through is not known.
                    self.forget();
                    return Err(error);
                }
                Err(LookError::Overtaken) => {
                    tracing::info!("another replica appends events; looking again");
                    self.forget();
                    return Ok(Turn::Busy);
                }
            }
        }
        if turn == Turn::Idle {
            self.prune().await?;
        }
        Ok(turn)
    }

    fn forget(&mut self) {
        self.held = None;
        for watched in &mut self.watched {
            watched.forget();
        }
    }

    /// Takes the lease or keeps it. Whoever takes it begins where the marks are.
    async fn keep_lease(&mut self) -> Result<bool, StoreError> {
        if let Some(held) = &mut self.held {
            if held.renewed.elapsed() < self.leases.renew_every() {
                return Ok(true);
            }
            let asked = Instant::now();
            if self.leases.take(LEASE).await?.is_some() {
                held.renewed = asked;
                return Ok(true);
            }
            self.forget();
            return Ok(false);
        }
        let asked = Instant::now();
        let Some(term) = self.leases.take(LEASE).await? else { return Ok(false) };
        let floor = self.log.floor(self.oldest()).await?;
        for watched in &mut self.watched {
            watched.begin(self.log.mark(watched.collection()).await?.unwrap_or(floor));
        }
        let appending = Appending::new(&self.log, floor, self.settings.batch);
        self.held = Some(Held { renewed: asked, appending, pruned: None });
        tracing::info!(term, "collecting events");
        Ok(true)
    }

    /// Before this, events are no longer kept.
    fn oldest(&self) -> Timestamp {
        Timestamp::now().plus_millis(-i64::from(self.settings.retention_days) * DAY_MS)
    }

    async fn prune(&mut self) -> Result<(), StoreError> {
        let cutoff = self.oldest();
        let Some(held) = &mut self.held else { return Ok(()) };
        if held.pruned.is_some_and(|at| at.elapsed() < PRUNE_EVERY) {
            return Ok(());
        }
        if !self.log.prune(cutoff).await? {
            held.pruned = Some(Instant::now());
        }
        Ok(())
    }

    /// Tells everything there is to tell and lets the next one have the lease: for whoever does not go on.
    pub async fn catch_up_and_leave(&mut self) -> Result<Turn, StoreError> {
        let turn = self.catch_up().await?;
        self.leave().await?;
        Ok(turn)
    }

    /// Turns until there is nothing more to tell, or somebody else tells it.
    pub async fn catch_up(&mut self) -> Result<Turn, StoreError> {
        loop {
            let turn = self.turn().await?;
            match turn {
                Turn::Busy | Turn::More => {}
                Turn::Idle | Turn::Elsewhere => return Ok(turn),
            }
        }
    }

    async fn leave(&mut self) -> Result<(), StoreError> {
        if self.held.is_some() {
            self.forget();
            self.leases.give_up(LEASE).await?;
        }
        Ok(())
    }
}
