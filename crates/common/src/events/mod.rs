//! The feed of a service: a log of what happened to its documents, built from the documents themselves.
//!
//! Nothing is added to the writes that the log tells of. One collector of a service at a time looks for documents that
//! are at another version than the log says, by the time of their last change, and appends what is missing: a change
//! that nobody announced is found by the next look, and what is in the log already is not appended again.

pub mod collector;
pub mod cursor;
mod finding;
pub mod log;
pub mod logged;
pub mod serve;
pub mod source;
mod wake;
mod watched;

use anyhow::ensure;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    /// Whether this process collects; what is in the log is told all the same.
    pub enabled: bool,
    /// Shortest pause between two looks that find something.
    pub interval_ms: u64,
    /// Whether a change stream ends the pause of a quiet shop early. The database reads for it whatever anyone writes.
    pub watch: bool,
    /// Most documents, and most events, of one step.
    pub batch: usize,
    /// How long events are kept.
    pub retention_days: u32,
    /// How soon another replica takes the work of one that died.
    pub lease_ms: u64,
}

impl EventSettings {
    /// Refuses bounds under which nothing could be collected.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(self.interval_ms >= 1, "events.interval_ms must be 1 or more");
        ensure!((1..=1_000).contains(&self.batch), "events.batch must be 1 to 1000");
        ensure!((1..=3_650).contains(&self.retention_days), "events.retention_days must be 1 to 3650");
        ensure!(self.lease_ms >= 1_000, "events.lease_ms must be 1000 or more");
        Ok(())
    }
}
