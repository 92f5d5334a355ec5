//! The file of invoice lines: plain or xz, read as a stream, as dirty as it is.

use anyhow::{Context as _, bail};
use csv::{ByteRecord, ReaderBuilder, Trim};
use lzma_rust2::XzReader;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// What an xz file begins with.
const XZ_MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

/// The columns that are used; others are ignored.
const COLUMNS: [&str; 6] = ["InvoiceNo", "StockCode", "Description", "Quantity", "UnitPrice", "CustomerID"];

/// One line of the file as text without white space at the ends; a column that a short line lacks is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub invoice: String,
    pub stock_code: String,
    pub description: String,
    pub quantity: String,
    pub unit_price: String,
    pub customer: String,
}

/// The lines of a file. What cannot be read at all ends it with an error; what merely makes no sense is a row.
pub struct Rows {
    reader: csv::Reader<Box<dyn Read>>,
    columns: [usize; 6],
    record: ByteRecord,
}

impl Rows {
    /// Opens a CSV file, packed with xz or not, by its first bytes.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let opened = || File::open(path).with_context(|| format!("open {}", path.display()));
        let mut magic = [0; XZ_MAGIC.len()];
        let is_packed = opened()?.read_exact(&mut magic).is_ok() && magic == XZ_MAGIC;
        let file = BufReader::with_capacity(1 << 16, opened()?);
        let bytes: Box<dyn Read> =
            if is_packed { Box::new(XzReader::new(file, true)) } else { Box::new(file) };
        Self::new(bytes).with_context(|| format!("read {}", path.display()))
    }

    /// Reads CSV with a header line.
    pub fn new(bytes: Box<dyn Read>) -> anyhow::Result<Self> {
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(bytes);
        let header: Vec<String> = reader.byte_headers()?.iter().map(text).collect();
        let mut columns = [0; COLUMNS.len()];
        for (place, name) in columns.iter_mut().zip(COLUMNS) {
            // A byte order mark may stand before the first name.
            let found = header.iter().position(|column| column.trim_start_matches('\u{feff}') == name);
            let Some(position) = found else {
                bail!("there is no column {name}; needed are {}", COLUMNS.join(", "));
            };
            *place = position;
        }
        Ok(Self { reader, columns, record: ByteRecord::new() })
    }
}

impl Iterator for Rows {
    type Item = anyhow::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let [invoice, stock_code, description, quantity, unit_price, customer] =
                    self.columns.map(|column| self.record.get(column).map(text).unwrap_or_default());
                Some(Ok(Row { invoice, stock_code, description, quantity, unit_price, customer }))
            }
            Err(error) => Some(Err(error).context("read the next line")),
        }
    }
}

/// UTF-8, or else Latin-1, in which older exports of such files are written.
fn text(bytes: &[u8]) -> String {
    str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write as _};

    const HEADER: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    fn rows(text: impl Into<Vec<u8>>) -> Vec<Row> {
        Rows::new(Box::new(Cursor::new(text.into()))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn lines_are_read_by_the_names_of_their_columns_quoted_short_or_in_latin_1() {
        let read = rows(
            "\u{feff}Country,CustomerID,UnitPrice,Quantity,Description,StockCode,InvoiceNo\nUK,1.0,2.5,3,\" A, B \",X1,9\n",
        );
        assert_eq!(read[0].description, "A, B");
        assert_eq!((read[0].invoice.as_str(), read[0].customer.as_str()), ("9", "1.0"));
        let short = rows(format!("{HEADER}536365,85123A\n"));
        assert_eq!((short[0].stock_code.as_str(), short[0].quantity.as_str()), ("85123A", ""));
        let mut latin = format!("{HEADER}1,gift,Voucher ").into_bytes();
        latin.extend_from_slice(b"\xa340,1,,34.04,,\n");
        assert_eq!(rows(latin)[0].description, "Voucher £40");
    }

    #[test]
    fn a_file_without_a_needed_column_is_refused_by_its_name() {
        let error = Rows::new(Box::new(Cursor::new(b"InvoiceNo,StockCode\n".to_vec()))).err().unwrap();
        assert!(error.to_string().contains("Description"), "{error}");
    }

    #[test]
    fn a_missing_or_broken_file_is_an_error_and_not_an_empty_one() {
        assert!(Rows::open(Path::new("no/such/file.csv")).is_err());
        let mut broken = tempfile::NamedTempFile::new().unwrap();
        broken.write_all(&XZ_MAGIC).unwrap();
        broken.write_all(b"and then nonsense").unwrap();
        assert!(Rows::open(broken.path()).is_err());
    }
}
