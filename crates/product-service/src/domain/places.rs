//! The locations as the ledger knows them: which there are, and from which one orders are filled first.

use common::models::location::LocationId;
use std::collections::HashMap;

/// Every location with its priority: the lowest comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    priorities: HashMap<LocationId, i32>,
}

impl Places {
    pub fn new(priorities: impl IntoIterator<Item = (LocationId, i32)>) -> Self {
        Self { priorities: priorities.into_iter().collect() }
    }

    /// The default location exists always.
    pub fn knows(&self, location_id: &LocationId) -> bool {
        location_id.is_main() || self.priorities.contains_key(location_id)
    }

    /// Sorts places by whom orders take from first; those of one priority by their names.
    pub fn rank<'a>(&self, location_id: &'a LocationId) -> (i32, &'a str) {
        let otherwise = if location_id.is_main() { 0 } else { i32::MAX };
        (self.priorities.get(location_id).copied().unwrap_or(otherwise), location_id.as_str())
    }
}
