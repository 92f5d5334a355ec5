//! Files of many rows: how they are written, and what became of the rows of one that was imported.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most rows that a report tells of by themselves; the rest are counted.
pub const MAX_TOLD: usize = 1_000;

/// How the rows of a file are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// With a heading (RFC 4180).
    #[default]
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl FileFormat {
    /// The value of `format`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// The value of `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// The format that a `Content-Type` names.
    pub fn of_media_type(content_type: &str) -> Option<Self> {
        match content_type.split(';').next()?.trim() {
            "text/csv" => Some(Self::Csv),
            "application/x-ndjson" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

/// What a file names products by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NamedBy {
    #[default]
    Sku,
    ExternalId,
}

impl NamedBy {
    /// The column, and the value of `by`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::ExternalId => "externalId",
        }
    }
}

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
