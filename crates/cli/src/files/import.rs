//! `oms import`: a file into the shop, streamed; what does not go in is told by its line.

use super::{Format, format_of, is_standard, per_second, progress};
use crate::access::AccessArguments;
use crate::shop::say::say;
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::{Subcommand, ValueEnum};
use common::models::bulk::{FileFormat, ImportReport, NamedBy, RowError};
use common::models::order_import::StockUse;
use futures_util::{Stream, stream};
use indicatif::ProgressBar;
use oms_client::{Client, ImportOptions};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// The catalogue: what is new is created, what is other is changed.
    Products(ProductImportArguments),
    /// What is available, place by place, with low-stock thresholds and what is coming.
    Stock(ProductImportArguments),
    /// Orders of another system as they stand there, as NDJSON.
    Orders(OrderImportArguments),
}

#[derive(Debug, clap::Args)]
pub struct ProductImportArguments {
    #[command(flatten)]
    pub file: ImportArguments,
    /// The column that tells whether a product is there already.
    #[arg(long, value_enum, default_value_t = By::Sku)]
    pub by: By,
}

#[derive(Debug, clap::Args)]
pub struct OrderImportArguments {
    #[command(flatten)]
    pub file: ImportArguments,
    /// Whether what is open of the orders is reserved, or they are history that never touches stock.
    #[arg(long, value_enum, default_value_t = Stock::None)]
    pub stock: Stock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stock {
    None,
    Reserve,
}

impl From<Stock> for StockUse {
    fn from(stock: Stock) -> Self {
        match stock {
            Stock::None => Self::None,
            Stock::Reserve => Self::Reserve,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct ImportArguments {
    /// CSV with a heading, or NDJSON; `-` reads standard input.
    pub file: PathBuf,
    /// How the rows are written, where the file's ending does not say it.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Tell what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the report as JSON, with the rows that failed.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub access: AccessArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    Sku,
    ExternalId,
}

impl From<By> for NamedBy {
    fn from(by: By) -> Self {
        match by {
            By::Sku => Self::Sku,
            By::ExternalId => Self::ExternalId,
        }
    }
}

impl ProductImportArguments {
    fn options(&self, format: FileFormat) -> ImportOptions {
        ImportOptions { format, by: self.by.into(), dry_run: self.file.dry_run }
    }
}

/// Runs `oms import`: exit code 1 where a row did not go in.
pub async fn run(command: ImportCommand) -> anyhow::Result<ExitCode> {
    match command {
        ImportCommand::Products(arguments) => {
            let (job, pieces) = Job::open(&arguments.file, "products")?;
            let sent = job.client.import_products(pieces, arguments.options(job.format)).await;
            job.end(sent, arguments.file.json)
        }
        ImportCommand::Stock(arguments) => {
            let (job, pieces) = Job::open(&arguments.file, "stock")?;
            let sent = job.client.import_stock(pieces, arguments.options(job.format)).await;
            job.end(sent, arguments.file.json)
        }
        ImportCommand::Orders(OrderImportArguments { file, stock }) => {
            let (job, pieces) = Job::open(&file, "orders")?;
            ensure!(
                job.format == FileFormat::Ndjson,
                "orders are imported as NDJSON, one JSON object a line"
            );
            let sent = job.client.import_orders(pieces, stock.into(), file.dry_run).await;
            job.end(sent, file.json)
        }
    }
}

/// A file on its way into a shop.
struct Job {
    client: Client,
    format: FileFormat,
    bar: ProgressBar,
    begun: Instant,
}

/// What became of a file, and how quickly.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    #[serde(flatten)]
    report: ImportReport,
    elapsed_ms: u64,
    rows_per_second: u64,
}

impl Job {
    fn open(
        arguments: &ImportArguments,
        what: &'static str,
    ) -> anyhow::Result<(Self, impl Stream<Item = io::Result<Bytes>> + Send + use<>)> {
        let format = format_of(&arguments.file, arguments.format)?;
        let (source, length) = open(&arguments.file)?;
        let bar = progress(what, length);
        let client = arguments.access.client(|builder| builder)?;
        Ok((Self { client, format, bar: bar.clone(), begun: Instant::now() }, pieces(source, bar)))
    }

    fn end(self, sent: Result<ImportReport, oms_client::Error>, as_json: bool) -> anyhow::Result<ExitCode> {
        let took = self.begun.elapsed();
        self.bar.finish_and_clear();
        let report = sent.context(
            "the import broke off; what went in before stays, and the same file again goes on from there",
        )?;
        let failed = report.failed;
        if as_json {
            let outcome = Outcome {
                elapsed_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                rows_per_second: per_second(report.rows, took),
                report,
            };
            say(&serde_json::to_string(&outcome)?);
        } else {
            for line in failures(&report) {
                eprintln!("{line}");
            }
            say(&summary(&report, took));
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A file or standard input.
type Source = Box<dyn Read + Send>;

/// The bytes of a file, and how many there are where that is known.
fn open(file: &Path) -> anyhow::Result<(Source, Option<u64>)> {
    if is_standard(file) {
        return Ok((Box::new(io::stdin()), None));
    }
    let cannot = || format!("open {}", file.display());
    let opened = File::open(file).with_context(cannot)?;
    let about = opened.metadata().with_context(cannot)?;
    let length = about.is_file().then_some(about.len());
    Ok((Box::new(opened), length))
}

/// Reads on as quickly as the shop takes it.
fn pieces(source: Source, bar: ProgressBar) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((source, bar), |(mut source, bar): (Source, ProgressBar)| async move {
        let read = move || {
            let mut piece = vec![0; PIECE];
            let read = source.read(&mut piece)?;
            piece.truncate(read);
            io::Result::Ok((piece, source))
        };
        let (piece, source) = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        bar.inc(u64::try_from(piece.len()).unwrap_or_default());
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), (source, bar))))
    })
}

/// The rows that did not go in, a line for each.
fn failures(report: &ImportReport) -> Vec<String> {
    let told = |error: &RowError| match error.field.as_str() {
        "" => format!("line {}: {}", error.line, error.detail),
        field => format!("line {}, {field}: {}", error.line, error.detail),
    };
    let mut lines: Vec<String> = report.errors.iter().map(told).collect();
    let told = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    if report.failed > told {
        lines.push(format!("and {} rows more that failed", report.failed - told));
    }
    lines
}

fn summary(report: &ImportReport, took: Duration) -> String {
    let ImportReport { rows, created, updated, unchanged, failed, dry_run, .. } = report;
    let mood = if *dry_run { "nothing was done; would be " } else { "" };
    format!(
        "{rows} rows in {took:.1?}, {} a second: {mood}{created} created, {updated} changed, {unchanged} as they were, \
         {failed} failed",
        per_second(*rows, took)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_that_failed_is_told_or_counted() {
        let error = |line, field: &str| RowError { line, field: field.into(), detail: "is wrong".into() };
        let errors = vec![error(3, "price"), error(9, "")];
        let report = ImportReport { rows: 9, created: 4, failed: 5, errors, ..ImportReport::default() };
        assert_eq!(
            failures(&report),
            ["line 3, price: is wrong", "line 9: is wrong", "and 3 rows more that failed"]
        );
        let said = summary(&report, Duration::from_secs(3));
        assert_eq!(said, "9 rows in 3.0s, 3 a second: 4 created, 0 changed, 0 as they were, 5 failed");
    }
}
