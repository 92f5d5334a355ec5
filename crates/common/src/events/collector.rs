//! The collector: one at a time of a service's replicas, it looks for documents that changed and appends what the log
//! lacks of them.

use super::EventSettings;
use super::finding::{Begin, Finder, Key};
use super::log::{AppendError, EventLog};
use super::source::{Draft, Source, missing};
use super::wake::Wake;
use crate::ids::EntityId;
use crate::lease::Leases;
use crate::metrics::{Counters, counters, label};
use crate::mongo::{MongoSettings, StoreError, jitter};
use crate::time::Timestamp;
use mongodb::Database;
use quick_cache::sync::Cache;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The lease of this work.
const LEASE: &str = "event collector";

/// What every look takes in again: a change is stamped a moment before it is committed.
const OVERLAP_MS: i64 = 2_000;

/// What a look takes in again from time to time: a commit that took long, a clock that is wrong. More than the time
/// between two such looks, so that whatever is late by the difference is in one of them.
const WIDE_OVERLAP_MS: i64 = 90_000;

/// How often the wide look is made.
const WIDE_EVERY: Duration = Duration::from_secs(60);

/// How often a piece of everything that is kept is compared, so that no clock can be so wrong that a change is lost.
const ROUND_EVERY: Duration = Duration::from_secs(5);

/// Steps of one source in one turn.
const STEPS: u32 = 8;

/// Documents of each source that are known to be told: what the short look takes in again of many thousands a second.
const REMEMBERED: usize = 20_000;

/// How often old events are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// How often marks are written.
const MARK_EVERY: Duration = Duration::from_secs(2);

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Bytes of data in one write.
const WRITE_BYTES: usize = 8 * 1024 * 1024;

static RECORDED: LazyLock<Counters<1>> =
    LazyLock::new(|| counters("oms_events_recorded", "Events appended to the log, by what they are about."));

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Another replica collects.
    Elsewhere,
    /// There was something, or there is more.
    Busy,
    /// Everything is told.
    Idle,
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
    /// The last position; `None`: to be looked up.
    tail: Option<i64>,
    floor: Timestamp,
    pruned: Option<Instant>,
}

struct Watched {
    finder: Finder,
    /// The version of each document up to which the log tells everything.
    told: Cache<EntityId, i64>,
    mark: Timestamp,
    marked: Option<Instant>,
    /// Where the next wide look goes on that was not finished.
    pending: Option<Begin>,
    wide: Option<Instant>,
    /// Where the round through everything is.
    round: Option<Begin>,
    rounded: Option<Instant>,
}

/// Why a look ended before its time.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error("somebody else collects")]
    Overtaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AppendError> for LookError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Overtaken => Self::Overtaken,
            AppendError::Store(error) => Self::Store(error),
        }
    }
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
        let watched = |source: &Source| Watched {
            finder: Finder::new(database, *source),
            told: Cache::new(REMEMBERED),
            mark: Timestamp::from_millis(0),
            marked: None,
            pending: None,
            wide: None,
            round: None,
            rounded: None,
        };
        for source in sources {
            RECORDED.get_or_create_owned(&[label("kind", source.kind.prefix())]);
        }
        Self {
            database: database.clone(),
            log: EventLog::new(database),
            leases: Leases::new(database, Duration::from_millis(settings.lease_ms)),
            settings,
            watched: sources.iter().map(watched).collect(),
            held: None,
        }
    }

    /// Collects until it is told to stop, at its own pace: it rests twice as long as it worked, or for as long as the lease
    /// allows, so that the orders have the larger part of the processors and of the database, and no look is made so soon
    /// after the last one that most of what it reads is known.
    pub async fn run(mut self, stop: CancellationToken) {
        if !self.settings.enabled {
            return;
        }
        let collections = self.watched.iter().map(|watched| watched.finder.source.collection).collect();
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

    /// One look at every source.
    pub async fn turn(&mut self) -> Result<Turn, StoreError> {
        if !self.keep_lease().await? {
            return Ok(Turn::Elsewhere);
        }
        let mut turn = Turn::Idle;
        for place in 0..self.watched.len() {
            match self.look(place).await {
                Ok(Turn::Idle) => {}
                Ok(other) => turn = other,
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
            watched.told.clear();
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
            watched.mark = self.log.mark(watched.finder.source.collection).await?.unwrap_or(floor);
            (watched.pending, watched.wide, watched.round) = (None, None, None);
        }
        self.held = Some(Held { renewed: asked, tail: None, floor, pruned: None });
        tracing::info!(term, "collecting events");
        Ok(true)
    }

    /// Before this, events are no longer kept.
    fn oldest(&self) -> Timestamp {
        Timestamp::now().plus_millis(-i64::from(self.settings.retention_days) * DAY_MS)
    }

    /// Some steps through what changed since the mark, and where there is nothing a step of the round.
    async fn look(&mut self, place: usize) -> Result<Turn, LookError> {
        let Some(watched) = self.watched.get_mut(place) else { return Ok(Turn::Idle) };
        let began = Timestamp::now();
        let is_wide = watched.wide.is_none_or(|at| at.elapsed() >= WIDE_EVERY);
        let overlap = if is_wide { WIDE_OVERLAP_MS } else { OVERLAP_MS };
        let mut begin = match watched.pending.take() {
            Some(begin) => begin,
            None => {
                if is_wide {
                    watched.wide = Some(Instant::now());
                }
                Begin::time(watched.mark.plus_millis(-overlap))
            }
        };
        let mut appended = 0;
        for _ in 0..STEPS {
            let (keys, new) = self.step(place, begin).await?;
            appended += new;
            let Some(watched) = self.watched.get_mut(place) else { break };
            if let Some(last) = keys.last() {
                // A clock that is ahead must not make us pass over what happens meanwhile.
                watched.mark = watched.mark.max(last.at.min(began));
                begin = Begin::key(last);
            }
            self.write_mark(place).await?;
            if keys.len() < self.settings.batch {
                if appended > 0 {
                    return Ok(Turn::Busy);
                }
                self.go_round(place).await?;
                return Ok(Turn::Idle);
            }
            if !self.keep_lease().await? {
                return Ok(Turn::Elsewhere);
            }
        }
        if let Some(watched) = self.watched.get_mut(place) {
            watched.pending = Some(begin);
        }
        Ok(Turn::Busy)
    }

    /// Compares one page of documents with the log. Answers it, and how many events it lacked.
    async fn step(&mut self, place: usize, begin: Begin) -> Result<(Vec<Key>, usize), LookError> {
        let (Some(watched), Some(held)) = (self.watched.get(place), &mut self.held) else {
            return Ok((Vec::new(), 0));
        };
        let keys = watched.finder.changed(begin, self.settings.batch).await?;
        let is_told = |key: &&Key| watched.told.get(&key.id).is_some_and(|version| version >= key.version);
        let unknown: Vec<EntityId> = keys.iter().filter(|key| !is_told(key)).map(|key| key.id).collect();
        if unknown.is_empty() {
            return Ok((keys, 0));
        }
        let kind = watched.finder.source.kind;
        let heads = self.log.heads(kind, &unknown).await?;
        let mut behind = Vec::new();
        for key in keys.iter().filter(|key| !is_told(key)) {
            match heads.get(&key.id) {
                Some(head) if head.version >= key.version => watched.told.insert(key.id, head.version),
                _ => behind.push(key.id),
            }
        }
        if behind.is_empty() {
            return Ok((keys, 0));
        }
        let documents = watched.finder.read(&behind).await?;
        let told: Vec<(EntityId, i64)> =
            documents.iter().map(|document| (document.id, document.version)).collect();
        let drafts = documents
            .into_iter()
            .map(|document| {
                let head = heads.get(&document.id).copied();
                missing(kind, document, head, held.floor)
            })
            .collect();
        let mut tail = match held.tail {
            Some(tail) => tail,
            None => self.log.tail().await?,
        };
        let mut appended = 0;
        for write in writes(drafts, self.settings.batch) {
            let count = write.len();
            tail = self.log.append(tail, write).await?;
            held.tail = Some(tail);
            appended += count;
        }
        let counted = RECORDED.get_or_create_owned(&[label("kind", kind.prefix())]);
        counted.inc_by(u64::try_from(appended).unwrap_or(0));
        for (id, version) in told {
            watched.told.insert(id, version);
        }
        Ok((keys, appended))
    }

    /// A step through everything that is kept, once in a while: it heals what the clocks hid.
    async fn go_round(&mut self, place: usize) -> Result<(), LookError> {
        let (Some(watched), Some(held)) = (self.watched.get(place), &self.held) else { return Ok(()) };
        if watched.rounded.is_some_and(|at| at.elapsed() < ROUND_EVERY) {
            return Ok(());
        }
        let begin = watched.round.unwrap_or(Begin::time(held.floor));
        let (keys, _) = self.step(place, begin).await?;
        let is_end = keys.len() < self.settings.batch;
        if let Some(watched) = self.watched.get_mut(place) {
            watched.round = keys.last().filter(|_| !is_end).map(Begin::key);
            watched.rounded = Some(Instant::now());
        }
        Ok(())
    }

    async fn write_mark(&mut self, place: usize) -> Result<(), StoreError> {
        let Some(watched) = self.watched.get_mut(place) else { return Ok(()) };
        if watched.marked.is_some_and(|at| at.elapsed() < MARK_EVERY) {
            return Ok(());
        }
        watched.marked = Some(Instant::now());
        self.log.set_mark(watched.finder.source.collection, watched.mark).await
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
            match self.turn().await? {
                Turn::Busy => {}
                other => return Ok(other),
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

/// Writes of at most so many events and bytes; the events of one document stay together.
fn writes(documents: Vec<Vec<Draft>>, most: usize) -> Vec<Vec<Draft>> {
    let mut writes: Vec<Vec<Draft>> = Vec::new();
    let (mut write, mut bytes) = (Vec::new(), 0);
    for mut drafts in documents {
        let size: usize = drafts.iter().filter_map(|draft| draft.data.as_ref()).map(String::len).sum();
        if !write.is_empty() && (write.len() + drafts.len() > most || bytes + size > WRITE_BYTES) {
            writes.push(std::mem::take(&mut write));
            bytes = 0;
        }
        bytes += size;
        write.append(&mut drafts);
    }
    if !write.is_empty() {
        writes.push(write);
    }
    writes
}
