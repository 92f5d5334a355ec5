//! Rows of a file as they come in, piece by piece: CSV with a heading, or one JSON object a line.

mod cells;

use crate::models::bulk::FileFormat;
use csv_core::{ReadRecordResult, Reader};
use serde_json::{Map, Value};

/// Most bytes of one row where nothing else is said.
pub const MAX_ROW: usize = 64 * 1024;

/// Most columns of a CSV file.
const MAX_COLUMNS: usize = 100;

/// What the rows of a file may be.
#[derive(Clone, Copy, Debug)]
pub struct RowRules {
    /// The columns that a CSV file may have.
    pub columns: &'static [&'static str],
    /// Most bytes of one row.
    pub max_bytes: usize,
}

impl RowRules {
    pub const fn columns(columns: &'static [&'static str]) -> Self {
        Self { columns, max_bytes: MAX_ROW }
    }
}

/// One row and the line on which it begins, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub line: u64,
    /// Its members, or what is wrong with it: field and rule.
    pub members: Result<Map<String, Value>, (String, String)>,
}

/// Why no row of the file can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeading {
    #[error("the heading names the column {0:?} twice")]
    Twice(String),
    #[error("there is no column {0:?}; the columns are {1}")]
    Unknown(String, String),
    #[error("the heading is not a line of column names")]
    Unreadable,
}

/// Reads rows out of pieces that end anywhere. What it keeps is one row.
pub struct RowReader {
    inner: Inner,
    max_bytes: usize,
    /// The line that the next byte stands on.
    line: u64,
    /// The line of the row being read.
    begun: Option<u64>,
}

enum Inner {
    Csv(Box<Csv>),
    Ndjson { row: Vec<u8>, is_too_long: bool },
}

struct Csv {
    reader: Reader,
    columns: &'static [&'static str],
    heading: Option<Vec<String>>,
    output: Vec<u8>,
    written: usize,
    ends: Vec<usize>,
    ended: usize,
    is_too_long: bool,
}

impl RowReader {
    pub fn new(format: FileFormat, rules: RowRules) -> Self {
        let inner = match format {
            FileFormat::Ndjson => Inner::Ndjson { row: Vec::new(), is_too_long: false },
            FileFormat::Csv => Inner::Csv(Box::new(Csv {
                reader: Reader::new(),
                columns: rules.columns,
                heading: None,
                output: vec![0; rules.max_bytes],
                written: 0,
                ends: vec![0; MAX_COLUMNS + 1],
                ended: 0,
                is_too_long: false,
            })),
        };
        Self { inner, max_bytes: rules.max_bytes, line: 1, begun: None }
    }

    /// Takes the next piece; the rows that end in it are appended.
    pub fn feed(&mut self, piece: &[u8], rows: &mut Vec<Row>) -> Result<(), BadHeading> {
        match &mut self.inner {
            Inner::Ndjson { row, is_too_long } => {
                for part in piece.split_inclusive(|byte| *byte == b'\n') {
                    if row.len() + part.len() <= self.max_bytes {
                        row.extend_from_slice(part);
                    } else {
                        *is_too_long = true;
                    }
                    if part.last() == Some(&b'\n') {
                        let is_too_long = std::mem::take(is_too_long);
                        rows.extend(json_row(row, is_too_long, self.max_bytes, self.line));
                        row.clear();
                        self.line += 1;
                    }
                }
                Ok(())
            }
            Inner::Csv(csv) => {
                let mut rest = piece;
                while !rest.is_empty() {
                    let (used, is_ended) = csv.read(rest);
                    let (taken, after) = rest.split_at(used.min(rest.len()));
                    for byte in taken {
                        if self.begun.is_none() && !matches!(byte, b'\n' | b'\r') {
                            self.begun = Some(self.line);
                        }
                        self.line += u64::from(*byte == b'\n');
                    }
                    rest = after;
                    if is_ended && let Some(line) = self.begun.take() {
                        rows.extend(csv.take_row(line)?);
                    }
                }
                Ok(())
            }
        }
    }

    /// The file has ended: its last row may have no line break.
    pub fn finish(&mut self, rows: &mut Vec<Row>) -> Result<(), BadHeading> {
        match &mut self.inner {
            Inner::Ndjson { row, is_too_long } => {
                rows.extend(json_row(row, *is_too_long, self.max_bytes, self.line));
            }
            Inner::Csv(csv) => {
                // An empty piece tells the reader that there is no more.
                csv.read(&[]);
                if let Some(line) = self.begun.take() {
                    rows.extend(csv.take_row(line)?);
                }
            }
        }
        Ok(())
    }
}

/// The heading of a CSV file of these columns.
pub fn heading(columns: &[&str]) -> String {
    let mut line = columns.join(",");
    line.push_str("\r\n");
    line
}

/// One object as a line of the format; of a CSV file in the order of its columns.
pub fn line(format: FileFormat, columns: &[&str], members: &Map<String, Value>) -> String {
    match format {
        FileFormat::Ndjson => {
            let known = columns.iter().filter_map(|column| Some((*column, members.get(*column)?)));
            let object: Map<String, Value> =
                known.map(|(column, value)| (column.to_owned(), value.clone())).collect();
            format!("{}\n", Value::Object(object))
        }
        FileFormat::Csv => {
            let cells = columns.iter().map(|column| {
                let cell = members.get(*column).map(|value| cells::cell(column, value)).unwrap_or_default();
                let is_plain = !cell.contains(['"', ',', '\n', '\r']);
                if is_plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
            });
            let mut line = cells.collect::<Vec<_>>().join(",");
            line.push_str("\r\n");
            line
        }
    }
}

fn json_row(row: &[u8], is_too_long: bool, max_bytes: usize, line: u64) -> Option<Row> {
    let text = row.trim_ascii();
    if is_too_long {
        return Some(Row { line, members: Err(too_long(max_bytes)) });
    }
    if text.is_empty() {
        return None;
    }
    let members = serde_json::from_slice(text).map_err(|cause| {
        let cause = cause.to_string();
        let rule = cause.split_once(" at line").map_or(cause.as_str(), |(rule, _)| rule);
        (String::new(), format!("is not a JSON object: {rule}"))
    });
    Some(Row { line, members })
}

fn too_long(max_bytes: usize) -> (String, String) {
    (String::new(), format!("has more than {max_bytes} bytes or {MAX_COLUMNS} columns"))
}

impl Csv {
    /// Reads on; answers how many bytes it used and whether a row ended.
    fn read(&mut self, piece: &[u8]) -> (usize, bool) {
        let mut used = 0;
        loop {
            let (Some(rest), Some(output), Some(ends)) =
                (piece.get(used..), self.output.get_mut(self.written..), self.ends.get_mut(self.ended..))
            else {
                return (used, false);
            };
            let (result, taken, written, ended) = self.reader.read_record(rest, output, ends);
            used += taken;
            self.written += written;
            self.ended += ended;
            match result {
                ReadRecordResult::Record => return (used, true),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return (used, false),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    // The rest of the row is read and thrown away.
                    self.is_too_long = true;
                    (self.written, self.ended) = (0, 0);
                }
            }
        }
    }

    fn take_row(&mut self, line: u64) -> Result<Option<Row>, BadHeading> {
        let is_too_long = std::mem::take(&mut self.is_too_long);
        let (written, ended) = (std::mem::take(&mut self.written), std::mem::take(&mut self.ended));
        let mut fields = Vec::with_capacity(ended);
        let mut from = 0;
        for end in self.ends.iter().take(ended) {
            fields.push(self.output.get(from..(*end).min(written)).unwrap_or_default());
            from = *end;
        }
        let Some(heading) = &self.heading else {
            self.heading = Some(read_heading(&fields, is_too_long, self.columns)?);
            return Ok(None);
        };
        if is_too_long {
            return Ok(Some(Row { line, members: Err(too_long(self.output.len())) }));
        }
        Ok(Some(Row { line, members: cells::members(heading, &fields) }))
    }
}

fn read_heading(fields: &[&[u8]], is_too_long: bool, columns: &[&str]) -> Result<Vec<String>, BadHeading> {
    if is_too_long {
        return Err(BadHeading::Unreadable);
    }
    let mut heading: Vec<String> = Vec::with_capacity(fields.len());
    for field in fields {
        let name = std::str::from_utf8(field).map_err(|_| BadHeading::Unreadable)?;
        let name = name.trim_start_matches('\u{feff}').trim();
        if !columns.contains(&name) {
            return Err(BadHeading::Unknown(name.to_owned(), columns.join(", ")));
        }
        if heading.iter().any(|known| known == name) {
            return Err(BadHeading::Twice(name.to_owned()));
        }
        heading.push(name.to_owned());
    }
    Ok(heading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const COLUMNS: &[&str] = &["sku", "name", "price", "tags", "metadata"];

    fn read(format: FileFormat, pieces: &[&[u8]]) -> Result<Vec<Row>, BadHeading> {
        let (mut reader, mut rows) = (RowReader::new(format, RowRules::columns(COLUMNS)), Vec::new());
        for piece in pieces {
            reader.feed(piece, &mut rows)?;
        }
        reader.finish(&mut rows)?;
        Ok(rows)
    }

    fn lines(rows: &[Row]) -> Vec<(u64, bool)> {
        rows.iter().map(|row| (row.line, row.members.is_ok())).collect()
    }

    #[test]
    fn a_row_of_csv_is_named_by_the_line_it_begins_on() {
        let text = "\u{feff}sku,name,price\r\nA,\"two\nlines\",1.50\r\n\r\nB,b\n\nC,c,3";
        let rows = read(FileFormat::Csv, &[text.as_bytes()]).unwrap();
        assert_eq!(lines(&rows), [(2, true), (5, false), (7, true)]);
        let first = json!({ "sku": "A", "name": "two\nlines", "price": 1.5 });
        assert_eq!(Value::Object(rows[0].members.clone().unwrap()), first);
    }

    #[test]
    fn a_heading_that_is_none_stops_the_file() {
        let refused = |heading: &[u8]| read(FileFormat::Csv, &[heading, b"\nA,1\n"]).unwrap_err();
        assert_eq!(refused(b"sku,sku"), BadHeading::Twice("sku".into()));
        assert!(matches!(refused(b"sku,colour"), BadHeading::Unknown(column, _) if column == "colour"));
        assert_eq!(refused(b"sku,\xff"), BadHeading::Unreadable);
    }

    #[test]
    fn a_row_that_is_too_long_or_no_text_fails_alone() {
        let long = "x".repeat(MAX_ROW + 1);
        let many = ",".repeat(MAX_COLUMNS + 5);
        let csv = format!("sku,name\nA,{long}\nB,b\n{many}\nC,c\n");
        assert_eq!(
            lines(&read(FileFormat::Csv, &[csv.as_bytes()]).unwrap()),
            [(2, false), (3, true), (4, false), (5, true)]
        );
        assert_eq!(
            lines(&read(FileFormat::Csv, &[b"sku,name\nA,\xff\nB,b"]).unwrap()),
            [(2, false), (3, true)]
        );
        let json = format!("{{\"name\":\"{long}\"}}\n{{}}\nno\n[1]\n\n{{\"sku\":1}}");
        let rows = read(FileFormat::Ndjson, &[json.as_bytes()]).unwrap();
        assert_eq!(lines(&rows), [(1, false), (2, true), (3, false), (4, false), (6, true)]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_pieces_end(
            cells in prop::collection::vec("[a-z\", \n\r]{0,6}", 1..20),
            cut in 1..9_usize,
        ) {
            let mut text = "sku,name\n".to_owned();
            for pair in cells.chunks(2) {
                let quoted: Vec<String> = pair.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                text.push_str(&quoted.join(","));
                text.push_str("\r\n");
            }
            let whole = read(FileFormat::Csv, &[text.as_bytes()]).unwrap();
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            prop_assert_eq!(read(FileFormat::Csv, &pieces).unwrap(), whole);
        }
    }
}
