//! How the desk answers: tables for people, JSON and CSV for programs.

use crate::shop::say::say;
use anyhow::Context as _;
use serde::Serialize;
use std::fmt::{self, Write as _};
use std::io::{IsTerminal as _, Write as _};
use unicode_width::UnicodeWidthStr as _;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// As the API answers it.
    Json,
    /// For spreadsheets.
    Csv,
}

#[derive(Clone, Copy, Debug, clap::Args)]
pub struct OutputArguments {
    /// How to write what was found.
    #[arg(long, short, value_enum, default_value_t, global = true)]
    output: Format,
    /// The same as --output json.
    #[arg(long, global = true, conflicts_with = "output")]
    json: bool,
}

/// Writes answers to standard output.
pub struct Output {
    pub format: Format,
    is_coloured: bool,
}

/// How a cell is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
}

#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    /// What spreadsheets get in its place.
    plain: Option<String>,
    tone: Tone,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    is_number: bool,
    /// Left out of tables, where another column says it too.
    is_for_csv: bool,
}

/// Rows under their columns.
#[derive(Clone, Debug)]
pub struct Sheet {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// One thing: what it is, and lists of what belongs to it.
pub struct Page {
    pub facts: Vec<(&'static str, Cell)>,
    pub sheets: Vec<(&'static str, Sheet)>,
}

impl Cell {
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), plain: None, tone }
    }

    /// With what spreadsheets can reckon with.
    #[must_use]
    pub fn or_plain(self, plain: impl Into<String>) -> Self {
        Self { plain: Some(plain.into()), ..self }
    }

    fn for_csv(&self) -> &str {
        self.plain.as_deref().unwrap_or(&self.text)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<Shown: Into<String>> From<Shown> for Cell {
    fn from(text: Shown) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

impl Column {
    pub const fn left(name: &'static str) -> Self {
        Self { name, is_number: false, is_for_csv: false }
    }

    pub const fn number(name: &'static str) -> Self {
        Self { name, is_number: true, is_for_csv: false }
    }

    pub const fn for_csv(name: &'static str) -> Self {
        Self { name, is_number: false, is_for_csv: true }
    }
}

impl Sheet {
    pub fn new(columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self { columns, rows }
    }

    fn render(&self, is_coloured: bool) -> String {
        let columns: Vec<&Column> = self.columns.iter().filter(|column| !column.is_for_csv).collect();
        let titles: Vec<String> = columns.iter().map(|column| column.name.to_uppercase()).collect();
        let shown = |row: &Vec<Cell>| {
            let cells = row.iter().zip(&self.columns).filter(|(_, column)| !column.is_for_csv);
            cells.map(|(cell, _)| (one_line(&cell.text), cell.tone)).collect()
        };
        let rows: Vec<Vec<(String, Tone)>> = self.rows.iter().map(shown).collect();
        let width = |index: usize, title: &String| {
            let cells = rows.iter().filter_map(|row| row.get(index)).map(|(text, _)| text.width());
            cells.chain([title.width()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> =
            titles.iter().enumerate().map(|(index, title)| width(index, title)).collect();
        let mut text = String::new();
        let head: Vec<_> = titles.into_iter().map(|title| (title, Tone::Plain)).collect();
        for row in [head].iter().chain(&rows) {
            let mut line = String::new();
            for ((cell, tone), (width, column)) in row.iter().zip(widths.iter().zip(&columns)) {
                let space = " ".repeat(width.saturating_sub(cell.width()));
                let shown = if is_coloured { paint(cell, *tone) } else { cell.clone() };
                line += &if column.is_number { space + &shown } else { shown + &space };
                line += "  ";
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    fn csv(&self) -> anyhow::Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|column| column.name))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(Cell::for_csv))?;
        }
        Ok(String::from_utf8(writer.into_inner().context("write CSV")?)?)
    }
}

impl Page {
    fn render(&self, is_coloured: bool) -> String {
        let width = self.facts.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
        let mut text = String::new();
        for (name, Cell { text: fact, tone, .. }) in &self.facts {
            let fact = one_line(fact);
            let fact = if is_coloured { paint(&fact, *tone) } else { fact };
            let space = " ".repeat(width - name.width());
            // Writing to a String cannot fail.
            let _written = writeln!(text, "{name}{space}  {fact}");
        }
        for (title, sheet) in self.sheets.iter().filter(|(_, sheet)| !sheet.rows.is_empty()) {
            text.push('\n');
            if !title.is_empty() {
                text += title;
                text.push('\n');
            }
            text += &sheet.render(is_coloured);
        }
        text
    }

    /// The facts as one row: what belongs to it has rows of its own, elsewhere.
    fn csv(&self) -> anyhow::Result<String> {
        let columns = self.facts.iter().map(|(name, _)| Column::left(name)).collect();
        Sheet::new(columns, vec![self.facts.iter().map(|(_, fact)| fact.clone()).collect()]).csv()
    }
}

impl Output {
    pub fn new(arguments: OutputArguments) -> Self {
        let format = if arguments.json { Format::Json } else { arguments.output };
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        Self { format, is_coloured: std::io::stdout().is_terminal() && !is_unwanted && !is_dumb }
    }

    pub fn list(&self, sheet: &Sheet, told: &impl Serialize) -> anyhow::Result<()> {
        match self.format {
            Format::Table if sheet.rows.is_empty() => eprintln!("There are none."),
            Format::Table => print(&sheet.render(self.is_coloured)),
            Format::Json => say(&serde_json::to_string_pretty(told)?),
            Format::Csv => print(&sheet.csv()?),
        }
        Ok(())
    }

    pub fn page(&self, page: &Page, told: &impl Serialize) -> anyhow::Result<()> {
        match self.format {
            Format::Table => print(&page.render(self.is_coloured)),
            Format::Json => say(&serde_json::to_string_pretty(told)?),
            Format::Csv => print(&page.csv()?),
        }
        Ok(())
    }

    /// One line of what goes on and on: without a head, each line as soon as it is known.
    pub fn line(&self, cells: &[Cell], told: &impl Serialize) -> anyhow::Result<()> {
        match self.format {
            Format::Table => {
                let shown = cells.iter().map(|Cell { text, tone, .. }| {
                    let text = one_line(text);
                    if self.is_coloured { paint(&text, *tone) } else { text }
                });
                say(&shown.collect::<Vec<_>>().join("  "));
            }
            Format::Json => say(&serde_json::to_string(told)?),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                writer.write_record(cells.iter().map(Cell::for_csv))?;
                print(&String::from_utf8(writer.into_inner().context("write CSV")?)?);
            }
        }
        Ok(())
    }

    /// A remark for people: programs read what is beside it.
    pub fn remark(&self, text: &str) {
        if self.format == Format::Table {
            eprintln!("{text}");
        }
    }
}

/// Writes text that ends its own lines. Whoever stopped reading, as `head` does, has seen enough.
fn print(text: &str) {
    let mut output = std::io::stdout().lock();
    // Nobody reads any more; there is nobody to tell.
    let _unread = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// What came from outside must not move the cursor, nor end the line.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn paint(text: &str, tone: Tone) -> String {
    let colour = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => 32,
        Tone::Warn => 33,
        Tone::Bad => 31,
    };
    format!("\u{1b}[{colour}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let columns = vec![Column::left("sku"), Column::number("units"), Column::left("state")];
        let row = |sku: &str, units: &str, tone| vec![sku.into(), units.into(), Cell::toned("low", tone)];
        Sheet::new(columns, vec![row("茶-1", "7", Tone::Plain), row("ML-MUG-01", "1200", Tone::Bad)])
    }

    #[test]
    fn columns_stand_under_each_other_whatever_their_script() {
        assert_eq!(
            sheet().render(false),
            "SKU        UNITS  STATE\n茶-1           7  low\nML-MUG-01   1200  low\n"
        );
    }

    #[test]
    fn colours_change_no_width_and_nothing_from_outside_reaches_the_terminal_as_a_command() {
        assert!(sheet().render(true).ends_with("ML-MUG-01   1200  \u{1b}[31mlow\u{1b}[0m\n"));
        let hostile = Sheet::new(vec![Column::left("name")], vec![vec!["a\u{1b}[2Jb\nc".into()]]);
        assert_eq!(hostile.render(false), "NAME\na [2Jb c\n");
    }

    #[test]
    fn csv_has_a_head_and_quotes_what_needs_it() {
        let sheet = Sheet::new(
            vec![Column::left("name"), Column::number("units")],
            vec![vec!["a, \"b\"".into(), "1".into()]],
        );
        assert_eq!(sheet.csv().unwrap(), "name,units\n\"a, \"\"b\"\"\",1\n");
    }

    #[test]
    fn spreadsheets_get_a_number_and_its_currency_apart() {
        let columns = vec![Column::number("total"), Column::for_csv("currency"), Column::left("status")];
        let total = Cell::from("34.50 EUR").or_plain("34.50");
        let sheet = Sheet::new(columns, vec![vec![total, "EUR".into(), "confirmed".into()]]);
        assert_eq!(sheet.render(false), "    TOTAL  STATUS\n34.50 EUR  confirmed\n");
        assert_eq!(sheet.csv().unwrap(), "total,currency,status\n34.50,EUR,confirmed\n");
    }

    #[test]
    fn a_page_has_facts_and_lists() {
        let page = Page {
            facts: vec![("id", "1".into()), ("status", "confirmed".into())],
            sheets: vec![("Lines", sheet())],
        };
        assert!(page.render(false).starts_with("id      1\nstatus  confirmed\n\nLines\nSKU "));
        assert_eq!(page.csv().unwrap(), "id,status\n1,confirmed\n");
    }
}
