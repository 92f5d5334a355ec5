//! Files of many rows, into a shop and out of it.

pub mod export;
pub mod import;

use anyhow::bail;
use clap::ValueEnum;
use common::models::bulk::FileFormat;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::time::Duration;

/// What stands for standard input or output.
const STANDARD: &str = "-";

/// How often a bar moves while nothing does.
const TICK: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Csv,
    Ndjson,
}

impl From<Format> for FileFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Ndjson => Self::Ndjson,
        }
    }
}

/// The format that was asked for, or that of the file's ending.
fn format_of(file: &Path, asked: Option<Format>) -> anyhow::Result<FileFormat> {
    if let Some(format) = asked {
        return Ok(format.into());
    }
    match file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Ok(FileFormat::Csv),
        Some("ndjson" | "jsonl") => Ok(FileFormat::Ndjson),
        _ => bail!("{} does not end in .csv, .ndjson or .jsonl: say which with --format", file.display()),
    }
}

fn is_standard(file: &Path) -> bool {
    file.as_os_str() == STANDARD
}

/// A bar on standard error, hidden where that is no terminal; without an end where the length is not known.
fn progress(what: &'static str, length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(bytes) => {
            (ProgressBar::new(bytes), "{msg:10} {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
        }
        None => (ProgressBar::new_spinner(), "{msg:10} {spinner} {bytes} {bytes_per_sec}"),
    };
    let bar = bar.with_message(what);
    bar.enable_steady_tick(TICK);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Rows in a second.
fn per_second(rows: u64, took: Duration) -> u64 {
    let ms = took.as_millis().max(1);
    u64::try_from(u128::from(rows) * 1000 / ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_ending_says_unless_somebody_says_else() {
        let format = |file: &str, asked| format_of(Path::new(file), asked).ok();
        assert_eq!(format("a.csv", None), Some(FileFormat::Csv));
        assert_eq!(format("a.CSV", None), Some(FileFormat::Csv));
        assert_eq!(format("dir.csv/a.jsonl", None), Some(FileFormat::Ndjson));
        assert_eq!(format("a.csv", Some(Format::Ndjson)), Some(FileFormat::Ndjson));
        for unknown in ["-", "a", "a.txt", "csv"] {
            assert_eq!(format(unknown, None), None, "{unknown}");
        }
    }

    #[test]
    fn a_rate_is_whole_rows() {
        assert_eq!(per_second(1_500, Duration::from_secs(2)), 750);
        assert_eq!(per_second(5, Duration::ZERO), 5_000);
    }
}
