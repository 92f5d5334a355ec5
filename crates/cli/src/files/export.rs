//! `oms export`: everything of one kind out of the shop, streamed into a file that is whole or not there.

use super::{Format, format_of, is_standard, per_second, progress};
use crate::access::AccessArguments;
use anyhow::Context as _;
use clap::Subcommand;
use common::models::bulk::FileFormat;
use common::time::Timestamp;
use indicatif::{HumanBytes, ProgressBar};
use oms_client::{Client, Download, OrderExport};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tempfile::TempPath;

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// The catalogue, with what is available of each product; can be imported.
    Products(ExportArguments),
    /// What is available of every product at every place; can be imported.
    Stock(ExportArguments),
    /// Orders, oldest first: as NDJSON the orders, as CSV a row for each line.
    Orders(OrderExportArguments),
    /// Customers, without anything that they log in with.
    Customers(ExportArguments),
}

#[derive(Debug, clap::Args)]
pub struct ExportArguments {
    /// Where to, readable by nobody else; `-` writes to standard output.
    pub file: PathBuf,
    /// How the rows are written, where the file's ending does not say it.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    #[command(flatten)]
    pub access: AccessArguments,
}

#[derive(Debug, clap::Args)]
pub struct OrderExportArguments {
    #[command(flatten)]
    pub file: ExportArguments,
    /// Orders that were created at this moment or later, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Orders that were created before this moment.
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
}

/// Runs `oms export`.
pub async fn run(command: ExportCommand) -> anyhow::Result<ExitCode> {
    match command {
        ExportCommand::Products(arguments) => {
            write(&arguments, "products", async |client, format| client.export_products(format).await).await
        }
        ExportCommand::Stock(arguments) => {
            write(&arguments, "stock", async |client, format| client.export_stock(format).await).await
        }
        ExportCommand::Customers(arguments) => {
            write(&arguments, "customers", async |client, format| client.export_customers(format).await).await
        }
        ExportCommand::Orders(OrderExportArguments { file, from, to }) => {
            let wanted = OrderExport { created_from: from, created_to: to, ..OrderExport::default() };
            let fetch = async |client: &Client, format| client.export_orders(format, &wanted).await;
            write(&file, "orders", fetch).await
        }
    }
}

async fn write(
    arguments: &ExportArguments,
    what: &'static str,
    fetch: impl AsyncFnOnce(&Client, FileFormat) -> Result<Download, oms_client::Error>,
) -> anyhow::Result<ExitCode> {
    let format = format_of(&arguments.file, arguments.format)?;
    let client = arguments.access.client(|builder| builder)?;
    let begun = Instant::now();
    let download = fetch(&client, format).await.with_context(|| format!("ask for the {what}"))?;
    let target = Target::open(&arguments.file)?;
    let bar = progress(what, None);
    let (written, target) = copy(download, target, format, &bar).await?;
    target.keep(&arguments.file)?;
    bar.finish_and_clear();
    let took = begun.elapsed();
    let rate = per_second(written.rows, took);
    let bytes = HumanBytes(written.bytes);
    // Standard output may be the file itself.
    eprintln!("{} rows, {bytes}, in {took:.1?}, {rate} rows a second", written.rows);
    Ok(ExitCode::SUCCESS)
}

/// Where the file goes while it is not whole.
struct Target {
    output: Box<dyn Write>,
    /// Takes the place of the file in the end.
    beside: Option<TempPath>,
}

impl Target {
    fn open(file: &Path) -> anyhow::Result<Self> {
        if is_standard(file) {
            return Ok(Self { output: Box::new(io::stdout()), beside: None });
        }
        let cannot = || format!("write {}", file.display());
        // A device or a pipe stays what it is.
        if fs::metadata(file).is_ok_and(|about| !about.is_file()) {
            let opened = File::options().write(true).open(file).with_context(cannot)?;
            return Ok(Self { output: Box::new(opened), beside: None });
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let beside = tempfile::Builder::new()
            .prefix(".oms-export-")
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .with_context(cannot)?;
        let (opened, path) = beside.into_parts();
        Ok(Self { output: Box::new(opened), beside: Some(path) })
    }

    fn keep(self, file: &Path) -> anyhow::Result<()> {
        match self.beside {
            Some(beside) => beside.persist(file).with_context(|| format!("write {}", file.display())),
            None => Ok(()),
        }
    }
}

async fn copy(
    mut download: Download,
    mut target: Target,
    format: FileFormat,
    bar: &ProgressBar,
) -> anyhow::Result<(Written, Target)> {
    let mut written = Written::default();
    while let Some(piece) = download.next().await.context("the export broke off")? {
        target.output.write_all(&piece).context("write the file")?;
        written.count(&piece, format);
        bar.set_position(written.bytes);
    }
    target.output.flush().context("write the file")?;
    written.end(format);
    Ok((written, target))
}

/// What passed through, counted without being kept.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    bytes: u64,
    rows: u64,
    /// A line break within quotes ends no row.
    is_quoted: bool,
}

impl Written {
    fn count(&mut self, piece: &[u8], format: FileFormat) {
        self.bytes += u64::try_from(piece.len()).unwrap_or_default();
        for byte in piece {
            match byte {
                b'"' => self.is_quoted ^= format == FileFormat::Csv,
                b'\n' if !self.is_quoted => self.rows += 1,
                _ => {}
            }
        }
    }

    /// The heading is no row.
    fn end(&mut self, format: FileFormat) {
        self.rows -= u64::from(format == FileFormat::Csv && self.rows > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_across_pieces_and_quotes() {
        let rows = |format, pieces: &[&str]| {
            let mut written = Written::default();
            pieces.iter().for_each(|piece| written.count(piece.as_bytes(), format));
            written.end(format);
            written.rows
        };
        assert_eq!(rows(FileFormat::Csv, &["sku,name\r\nA,\"two\nli", "nes, \"\"q\"\"\"\r\nB,b\r\n"]), 2);
        assert_eq!(rows(FileFormat::Csv, &["sku,name\r\n"]), 0);
        assert_eq!(rows(FileFormat::Ndjson, &["{\"a\":\"\\n\"}\n", "{}\n"]), 2);
        assert_eq!(rows(FileFormat::Csv, &[]), 0);
    }

    #[test]
    fn a_file_is_put_in_its_place_whole_and_a_device_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        drop(Target::open(&file).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Target::open(&file).unwrap().keep(&file).unwrap();
        assert!(file.is_file());
        assert!(Target::open(Path::new("/dev/null")).unwrap().beside.is_none());
    }
}
