//! Bulk imports: what became of the rows of a file.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most rows that a report tells of by themselves; the rest are counted.
pub const MAX_TOLD: usize = 1_000;

/// What an import did, or with `dryRun` would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Rows read, without the heading and blank lines.
    pub rows: u64,
    pub created: u64,
    pub updated: u64,
    /// Rows that say what is so already.
    pub unchanged: u64,
    pub failed: u64,
    pub dry_run: bool,
    /// The first rows that did not go in.
    pub errors: Vec<RowError>,
}

/// A row that did not go in; those around it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowError {
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// The column, or a JSON Pointer into the row; empty where the whole row is meant.
    pub field: String,
    pub detail: String,
}

impl ImportReport {
    pub fn fail(&mut self, error: RowError) {
        self.failed += 1;
        if self.errors.len() < MAX_TOLD {
            self.errors.push(error);
        }
    }

    /// Adds what became of further rows.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.failed += other.failed;
        let room = MAX_TOLD.saturating_sub(self.errors.len());
        self.errors.extend(other.errors.into_iter().take(room));
    }
}
