//! What goes wrong again and again is said once in a while, not every time.

use quick_cache::sync::Cache;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How long nothing is said about a thing after something was.
const SILENCE: Duration = Duration::from_secs(600);

/// Most things that are remembered; of one that was forgotten it is said again.
const REMEMBERED: usize = 10_000;

/// Remembers what was said about which thing.
pub struct Rarely<Thing> {
    said: Cache<Thing, Instant>,
}

impl<Thing: Eq + Hash> Rarely<Thing> {
    pub fn new() -> Self {
        Self { said: Cache::new(REMEMBERED) }
    }

    /// Whether it is time to say something about this one.
    pub fn may_say(&self, thing: Thing) -> bool {
        if self.said.get(&thing).is_some_and(|at| at.elapsed() < SILENCE) {
            return false;
        }
        self.said.insert(thing, Instant::now());
        true
    }
}

impl<Thing: Eq + Hash> Default for Rarely<Thing> {
    fn default() -> Self {
        Self::new()
    }
}
