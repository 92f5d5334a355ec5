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

/// How late a change may be committed, or its stamp be wrong, and still be told within a minute or two.
const LATE_MS: i64 = 30_000;

/// How often what was looked at lately is gone over again.
const PASS_EVERY: Duration = Duration::from_secs(60);

/// How often a piece of everything that is kept is compared, so that no clock can be so wrong that a change is lost.
const ROUND_EVERY: Duration = Duration::from_secs(5);

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
    /// Where the look goes on that is not finished.
    pending: Option<Begin>,
    /// The last pass over what was looked at lately.
    pass: Option<Pass>,
    /// Where the round through everything is.
    round: Option<Begin>,
    rounded: Option<Instant>,
}

/// Goes over what was looked at lately: a commit that took long, a clock that is a little wrong. Each pass begins
/// [`LATE_MS`] before the last one began, and ends where the looks were: what is late by less was looked at too early by
/// some look and is in the first pass after its commit.
struct Pass {
    began: Instant,
    /// The same by the clock.
    began_at: Timestamp,
    /// Where it goes on; `None`: it is over.
    next: Option<Begin>,
    until: Timestamp,
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
            pass: None,
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

    /// Collects until it is told to stop, at its own pace: after every step it rests twice as long as that took, or for as
    /// long as the lease allows, so that no order waits for more than a step; and no look is made so soon after the last
    /// one that most of what it reads is known.
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
        let mut turn = Turn::Idle;
        for place in 0..self.watched.len() {
            match self.look(place).await {
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
            (watched.pending, watched.pass, watched.round) = (None, None, None);
        }
        self.held = Some(Held { renewed: asked, tail: None, floor, pruned: None });
        tracing::info!(term, "collecting events");
        Ok(true)
    }

    /// Before this, events are no longer kept.
    fn oldest(&self) -> Timestamp {
        Timestamp::now().plus_millis(-i64::from(self.settings.retention_days) * DAY_MS)
    }

    /// A step through what changed since the mark, and one through what was looked at lately; where there is nothing, a
    /// step of the round.
    async fn look(&mut self, place: usize) -> Result<Turn, LookError> {
        let Some(watched) = self.watched.get_mut(place) else { return Ok(Turn::Idle) };
        let began = Timestamp::now();
        let fresh = Begin::time(watched.mark.plus_millis(-OVERLAP_MS));
        let begin = watched.pending.unwrap_or(fresh);
        let (keys, appended) = self.step(place, begin).await?;
        let is_end = keys.len() < self.settings.batch;
        let Some(watched) = self.watched.get_mut(place) else { return Ok(Turn::Idle) };
        if let Some(last) = keys.last() {
            // A clock that is ahead must not make us pass over what happens meanwhile.
            watched.mark = watched.mark.max(last.at.min(began));
        }
        watched.pending = keys.last().filter(|_| !is_end).map(Begin::key);
        self.write_mark(place).await?;
        let passed = self.go_back(place).await?;
        if !is_end {
            return Ok(Turn::More);
        }
        let looked = if appended > 0 { Turn::Busy } else { Turn::Idle };
        if looked.max(passed) == Turn::Idle {
            self.go_round(place).await?;
        }
        Ok(looked.max(passed))
    }

    /// A step of the pass over what was looked at lately.
    async fn go_back(&mut self, place: usize) -> Result<Turn, LookError> {
        let Some(watched) = self.watched.get_mut(place) else { return Ok(Turn::Idle) };
        let last = watched.pass.take_if(|pass| pass.next.is_none() && pass.began.elapsed() >= PASS_EVERY);
        let until = watched.mark;
        let pass = watched.pass.get_or_insert_with(|| {
            // Whoever collected before may have begun one a minute ago.
            let before = last.map_or(until.plus_millis(-2 * LATE_MS), |last| last.began_at);
            let from = before.plus_millis(-LATE_MS);
            let next = (from < until).then(|| Begin::time(from));
            Pass { began: Instant::now(), began_at: Timestamp::now(), next, until }
        });
        let Some(begin) = pass.next else { return Ok(Turn::Idle) };
        let (keys, appended) = self.step(place, begin).await?;
        let is_full = keys.len() == self.settings.batch;
        let Some(pass) = self.watched.get_mut(place).and_then(|watched| watched.pass.as_mut()) else {
            return Ok(Turn::Idle);
        };
        pass.next = keys.last().filter(|last| is_full && last.at <= pass.until).map(Begin::key);
        Ok(match pass.next {
            Some(_) => Turn::More,
            None if appended > 0 => Turn::Busy,
            None => Turn::Idle,
        })
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
