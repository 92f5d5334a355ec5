//! One collection whose changes are told: how far it was looked through, and what the log lacks of it.

use super::collector::Turn;
use super::finding::{Begin, Finder, Key};
use super::log::{AppendError, EventLog};
use super::source::{Draft, Source, missing};
use crate::ids::EntityId;
use crate::metrics::{Counters, counters, label};
use crate::mongo::StoreError;
use crate::time::Timestamp;
use mongodb::Database;
use quick_cache::sync::Cache;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

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

/// How often marks are written.
const MARK_EVERY: Duration = Duration::from_secs(2);

/// Bytes of data in one write.
const WRITE_BYTES: usize = 8 * 1024 * 1024;

static RECORDED: LazyLock<Counters<1>> =
    LazyLock::new(|| counters("oms_events_recorded", "Events appended to the log, by what they are about."));

/// Where the looks at a collection are.
pub(super) struct Watched {
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
pub(super) enum LookError {
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

/// The log while the lease is held: where the next event goes.
pub(super) struct Appending {
    log: EventLog,
    /// The last position; `None`: to be looked up.
    tail: Option<i64>,
    /// What happened before is not told.
    floor: Timestamp,
    /// Most documents of one step, and most events of one write.
    batch: usize,
}

impl Appending {
    pub fn new(log: &EventLog, floor: Timestamp, batch: usize) -> Self {
        Self { log: log.clone(), tail: None, floor, batch }
    }

    /// Appends what each document lacks; answers how many events that were.
    async fn append(&mut self, documents: Vec<Vec<Draft>>) -> Result<usize, LookError> {
        let mut tail = match self.tail {
            Some(tail) => tail,
            None => self.log.tail().await?,
        };
        let mut appended = 0;
        for write in writes(documents, self.batch) {
            let count = write.len();
            tail = self.log.append(tail, write).await?;
            self.tail = Some(tail);
            appended += count;
        }
        Ok(appended)
    }
}

impl Watched {
    pub fn new(database: &Database, source: Source) -> Self {
        RECORDED.get_or_create_owned(&[label("kind", source.kind.prefix())]);
        Self {
            finder: Finder::new(database, source),
            told: Cache::new(REMEMBERED),
            mark: Timestamp::from_millis(0),
            marked: None,
            pending: None,
            pass: None,
            round: None,
            rounded: None,
        }
    }

    pub fn collection(&self) -> &'static str {
        self.finder.source.collection
    }

    /// Begins where the mark is.
    pub fn begin(&mut self, mark: Timestamp) {
        self.mark = mark;
        (self.pending, self.pass, self.round) = (None, None, None);
    }

    /// Somebody else may append.
    pub fn forget(&mut self) {
        self.told.clear();
    }

    /// A step through what changed since the mark, and one through what was looked at lately; where there is nothing, a
    /// step of the round.
    pub async fn look(&mut self, log: &mut Appending) -> Result<Turn, LookError> {
        let began = Timestamp::now();
        let fresh = Begin::time(self.mark.plus_millis(-OVERLAP_MS));
        let (keys, appended) = self.step(log, self.pending.unwrap_or(fresh)).await?;
        let is_end = keys.len() < log.batch;
        if let Some(last) = keys.last() {
            // A clock that is ahead must not make us pass over what happens meanwhile.
            self.mark = self.mark.max(last.at.min(began));
        }
        self.pending = keys.last().filter(|_| !is_end).map(Begin::key);
        self.write_mark(log).await?;
        let passed = self.go_back(log).await?;
        if !is_end {
            return Ok(Turn::More);
        }
        let looked = if appended > 0 { Turn::Busy } else { Turn::Idle };
        if looked.max(passed) == Turn::Idle {
            self.go_round(log).await?;
        }
        Ok(looked.max(passed))
    }

    /// A step of the pass over what was looked at lately.
    async fn go_back(&mut self, log: &mut Appending) -> Result<Turn, LookError> {
        let last = self.pass.take_if(|pass| pass.next.is_none() && pass.began.elapsed() >= PASS_EVERY);
        let until = self.mark;
        let pass = self.pass.get_or_insert_with(|| {
            // Whoever collected before may have begun one a minute ago.
            let before = last.map_or(until.plus_millis(-2 * LATE_MS), |last| last.began_at);
            let from = before.plus_millis(-LATE_MS);
            let next = (from < until).then(|| Begin::time(from));
            Pass { began: Instant::now(), began_at: Timestamp::now(), next, until }
        });
        let (Some(begin), until) = (pass.next, pass.until) else { return Ok(Turn::Idle) };
        let (keys, appended) = self.step(log, begin).await?;
        let is_full = keys.len() == log.batch;
        let next = keys.last().filter(|last| is_full && last.at <= until).map(Begin::key);
        if let Some(pass) = &mut self.pass {
            pass.next = next;
        }
        Ok(match next {
            Some(_) => Turn::More,
            None if appended > 0 => Turn::Busy,
            None => Turn::Idle,
        })
    }

    /// A step through everything that is kept, once in a while: it heals what the clocks hid.
    async fn go_round(&mut self, log: &mut Appending) -> Result<(), LookError> {
        if self.rounded.is_some_and(|at| at.elapsed() < ROUND_EVERY) {
            return Ok(());
        }
        let begin = self.round.unwrap_or(Begin::time(log.floor));
        let (keys, _) = self.step(log, begin).await?;
        let is_end = keys.len() < log.batch;
        self.round = keys.last().filter(|_| !is_end).map(Begin::key);
        self.rounded = Some(Instant::now());
        Ok(())
    }

    /// Compares one page of documents with the log. Answers it, and how many events it lacked.
    async fn step(&self, log: &mut Appending, begin: Begin) -> Result<(Vec<Key>, usize), LookError> {
        let keys = self.finder.changed(begin, log.batch).await?;
        let is_told = |key: &&Key| self.told.get(&key.id).is_some_and(|version| version >= key.version);
        let unknown: Vec<EntityId> = keys.iter().filter(|key| !is_told(key)).map(|key| key.id).collect();
        if unknown.is_empty() {
            return Ok((keys, 0));
        }
        let kind = self.finder.source.kind;
        let heads = log.log.heads(kind, &unknown).await?;
        let mut behind = Vec::new();
        for key in keys.iter().filter(|key| !is_told(key)) {
            match heads.get(&key.id) {
                Some(head) if head.version >= key.version => self.told.insert(key.id, head.version),
                _ => behind.push(key.id),
            }
        }
        if behind.is_empty() {
            return Ok((keys, 0));
        }
        let documents = self.finder.read(&behind).await?;
        let told: Vec<(EntityId, i64)> =
            documents.iter().map(|document| (document.id, document.version)).collect();
        let floor = log.floor;
        let drafts = documents.into_iter().map(|document| {
            let head = heads.get(&document.id).copied();
            missing(kind, document, head, floor)
        });
        let appended = log.append(drafts.collect()).await?;
        let counted = RECORDED.get_or_create_owned(&[label("kind", kind.prefix())]);
        counted.inc_by(u64::try_from(appended).unwrap_or(0));
        for (id, version) in told {
            self.told.insert(id, version);
        }
        Ok((keys, appended))
    }

    async fn write_mark(&mut self, log: &Appending) -> Result<(), StoreError> {
        if self.marked.is_some_and(|at| at.elapsed() < MARK_EVERY) {
            return Ok(());
        }
        self.marked = Some(Instant::now());
        log.log.set_mark(self.collection(), self.mark).await
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
