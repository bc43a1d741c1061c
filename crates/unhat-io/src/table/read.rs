//! The rows of a table, one by one: numbers into the matrix, names beside it, and what is neither reported.

use super::dialect::{Delimiter, Dialect, Missing};
use super::layout::Layout;
use super::numbers::{NumberFormat, flag, lossy_integer};
use super::opened::{Columns, Opened, open, repeated, require_distinct};
use super::{Omission, OmittedRow, RowNames, TableOptions};
use crate::fault::{Checked, Fault, listed, require_memory, shown};
use crate::file_rows::FileRows;
use crate::kept::Kept;
use crate::spool::{Body, Collected, spooled};
use std::io::Read;
use unhat::{ErrorKind, Result};
use unhat_models::models::TextColumn;

/// The numbers of a table.
pub(crate) enum Values {
    /// Row-major.
    Held(Vec<f64>),
    Spooled(FileRows),
}

/// A table that has been read.
pub(crate) struct ReadTable {
    pub values: Values,
    pub columns: usize,
    pub response: Option<Vec<f64>>,
    pub weights: Option<Vec<f64>>,
    /// The factors, by name.
    pub factors: Vec<(String, TextColumn)>,
    pub row_names: Option<Vec<String>>,
    pub column_names: Option<Vec<String>>,
    /// Rows left out for missing cells.
    pub omitted: Vec<OmittedRow>,
    pub notes: Vec<String>,
}

/// Reads a table; `path` is for messages.
pub(crate) fn read(path: &str, text: impl Read, delimiter: Delimiter, options: &TableOptions) -> Result<ReadTable> {
    if options.dialect.missing == Missing::Indicator {
        let reason = "indicator is for models (influence, train, predict); expected error, omit or exclude";
        return Err(ErrorKind::Option { name: "missing".into(), reason: reason.into() }.into());
    }
    let mut opened = open(text, delimiter, &options.dialect).map_err(|f| f.in_input(path))?;
    let layout = Layout::new(&opened.columns, opened.names_column, options)?;
    let notes = std::mem::take(&mut opened.notes);
    let rows = Rows::new(&layout, &opened, options, notes);
    rows.read(&mut opened).and_then(|rows| rows.finish(path, &opened.columns)).map_err(|f| f.in_input(path))
}

/// What a column has held so far; text and numbers in one column are an error, whichever comes first.
enum Kind {
    Unseen,
    Numbers,
    Flags { row: usize, cell: String },
    Text { row: usize, cell: String },
    NotFinite { row: usize, cell: String },
}

struct ColumnSoFar {
    kind: Kind,
    /// Rows with a missing cell: all of them where they may be left out, else the first.
    missing: Vec<usize>,
    /// What the first of them holds.
    missing_cell: String,
    /// Cells of text, and how many of them look like numbers; the first of these.
    texts: usize,
    alike: usize,
    first_alike: Option<(usize, String, &'static str)>,
    rounded: Rounded,
}

struct Rows<'a> {
    layout: &'a Layout,
    dialect: &'a Dialect,
    numbers: NumberFormat,
    values: Collected,
    /// One for each of `layout.sources`.
    columns: Vec<ColumnSoFar>,
    /// The factors so far, and the rows where they are missing.
    factors: Vec<(TextColumn, Vec<usize>)>,
    /// The column that holds row names, or that may: the first, as long as it holds no number.
    names_column: Option<usize>,
    names_for_sure: bool,
    names: Vec<String>,
    count: usize,
    notes: Vec<String>,
}

impl<'a> Rows<'a> {
    fn new<R>(layout: &'a Layout, opened: &Opened<R>, options: &'a TableOptions, notes: Vec<String>) -> Self {
        let dialect = &options.dialect;
        let unseen = |_: &usize| ColumnSoFar {
            kind: Kind::Unseen,
            missing: Vec::new(),
            missing_cell: String::new(),
            texts: 0,
            alike: 0,
            first_alike: None,
            rounded: Rounded::default(),
        };
        let may_have_names = dialect.row_names == RowNames::Automatic && !layout.factors.contains(&0);
        let names_for_sure = opened.names_column.filter(|column| !layout.factors.contains(column));
        Rows {
            layout,
            dialect,
            numbers: opened.numbers,
            values: Collected::up_to(options.holding.most_read()),
            columns: layout.sources.iter().map(unseen).collect(),
            factors: layout.factors.iter().map(|_| Default::default()).collect(),
            names_column: names_for_sure.or(may_have_names.then_some(0)),
            names_for_sure: names_for_sure.is_some(),
            names: Vec::new(),
            count: 0,
            notes,
        }
    }

    fn read(mut self, opened: &mut Opened<impl Read>) -> Checked<Self> {
        loop {
            let record = opened.row()?;
            self.count = opened.count();
            if let Some(column) = self.names_column {
                self.collect_name(&record[column]);
            }
            self.values.room(self.layout.width())?;
            if self.layout.intercept {
                self.values.push(1.0);
            }
            for (slot, &column) in self.layout.sources.iter().enumerate() {
                let value = self.collect_cell(slot, &record[column]).map_err(|reason| {
                    let (row, reason) = reason;
                    Fault::at(format!("row {row}, {}", opened.columns.phrase(column)), reason)
                })?;
                self.values.push(value);
            }
            for ((text, missing), &column) in self.factors.iter_mut().zip(&self.layout.factors) {
                let level = record[column].trim();
                if !self.dialect.is_missing(level) {
                    text.push(Some(level));
                } else if self.dialect.missing.omits() {
                    missing.push(self.count - 1);
                    text.push(None);
                } else {
                    let reason = format!(
                        "found {}, expected a level of the factor: --missing omit leaves such rows out",
                        missing_phrase(level)
                    );
                    return Err(Fault::at(format!("row {}, {}", self.count, opened.columns.phrase(column)), reason));
                }
            }
            if self.count.is_power_of_two() {
                require_memory(
                    "the factors of the table",
                    (self.count as u64).saturating_mul(8 * self.factors.len() as u64),
                )?;
            }
            if !opened.next()? {
                return Ok(self);
            }
        }
    }

    fn collect_name(&mut self, cell: &str) {
        if self.names_for_sure || self.numbers.number(cell).is_none() {
            self.names.push(cell.trim().to_string());
        } else {
            self.names_column = None;
            self.names = Vec::new();
        }
    }

    /// The number in a cell; of a column that so far holds none, only what kind it is. The fault is a row and a reason.
    fn collect_cell(&mut self, slot: usize, cell: &str) -> std::result::Result<f64, (usize, String)> {
        let trimmed = cell.trim();
        if self.dialect.is_missing(trimmed) {
            return self.collect_missing(slot, trimmed);
        }
        let (row, column) = (self.count, &mut self.columns[slot]);
        let text = || cell.to_string();
        let found = match self.numbers.number(cell) {
            Some(value) if value.is_finite() => {
                column.rounded.meet(cell, value, row);
                if !matches!(column.kind, Kind::Numbers) {
                    column.require_numbers(true)?;
                    column.kind = Kind::Numbers;
                    if self.dialect.missing == Missing::Error
                        && let Some(&row) = column.missing.first()
                    {
                        return Err((row + 1, missing_reason(&column.missing_cell)));
                    }
                }
                return Ok(value);
            }
            Some(_) => Kind::NotFinite { row, cell: text() },
            None => match flag(cell) {
                Some(value) if matches!(column.kind, Kind::Unseen | Kind::Flags { .. }) => {
                    if matches!(column.kind, Kind::Unseen) {
                        column.kind = Kind::Flags { row, cell: text() };
                    }
                    return Ok(value);
                }
                _ => Kind::Text { row, cell: text() },
            },
        };
        if matches!(found, Kind::Text { .. }) {
            column.texts += 1;
            if let Some(advice) = self.numbers.likeness(cell) {
                column.alike += 1;
                column.first_alike.get_or_insert((row, text(), advice));
            }
        }
        match (&column.kind, &found) {
            (Kind::Numbers, _) => {
                column.kind = found;
                column.require_numbers(true)?;
            }
            (Kind::Unseen | Kind::Flags { .. }, _) | (Kind::NotFinite { .. }, Kind::Text { .. }) => column.kind = found,
            _ => {}
        }
        Ok(0.0)
    }

    fn collect_missing(&mut self, slot: usize, cell: &str) -> std::result::Result<f64, (usize, String)> {
        let column = &mut self.columns[slot];
        if self.dialect.missing == Missing::Error {
            if matches!(column.kind, Kind::Numbers) {
                return Err((self.count, missing_reason(cell)));
            }
            if !column.missing.is_empty() {
                return Ok(f64::NAN);
            }
        }
        if column.missing.is_empty() {
            column.missing_cell = cell.to_string();
        }
        column.missing.push(self.count - 1);
        Ok(f64::NAN)
    }

    /// Takes out what does not belong into the matrix: columns of text, response, weights, and rows to be left out.
    fn finish(mut self, path: &str, columns: &Columns) -> Checked<ReadTable> {
        let (layout, width) = (self.layout, self.layout.width());
        let first = usize::from(layout.intercept);
        self.settle_names(columns)?;
        let mut kept = vec![true; width];
        let (mut left_out, mut empty) = (Vec::new(), Vec::new());
        let mut omitted: Vec<usize> = self.factors.iter().flat_map(|(_, missing)| missing.iter().copied()).collect();
        for (slot, (column, &source)) in self.columns.iter().zip(&layout.sources).enumerate() {
            let place = columns.phrase(source);
            let at = |(row, reason): (usize, String)| Fault::at(format!("row {row}, {place}"), reason);
            let needed = layout.chosen || layout.response == Some(slot) || layout.weights == Some(slot);
            match &column.kind {
                Kind::Text { .. } | Kind::Unseen if !needed => {
                    kept[first + slot] = false;
                    if matches!(column.kind, Kind::Unseen) {
                        empty.push(source);
                    } else if self.names_column != Some(source) {
                        column.require_text().map_err(at)?;
                        left_out.push(source);
                    }
                }
                Kind::Unseen => return Err(Fault::at(place, "found no value, expected numbers")),
                _ => {
                    column.require_numbers(false).map_err(at)?;
                    self.notes.extend(column.rounded.note(&place));
                    match self.dialect.missing.omits() {
                        true => omitted.extend(&column.missing),
                        false => column
                            .missing
                            .first()
                            .map_or(Ok(()), |&row| Err(at((row + 1, missing_reason(&column.missing_cell)))))?,
                    }
                }
            }
        }
        let (body, _) = self.values.finish()?;
        let mut values = match body {
            Body::Held(values) => Values::Held(values),
            Body::Spooled(file) => {
                Values::Spooled(FileRows::new(spooled(path), file, (0, width), None, Kept::default(), self.count))
            }
        };
        let mut take = |slot: Option<usize>| -> Checked<Option<Vec<f64>>> {
            let Some(slot) = slot.map(|slot| first + slot) else { return Ok(None) };
            kept[slot] = false;
            Ok(Some(match &values {
                Values::Held(values) => values.iter().skip(slot).step_by(width).copied().collect(),
                Values::Spooled(rows) => rows.column(slot).map_err(|error| Fault::new(error.to_string()))?,
            }))
        };
        let (response, weights) = (take(layout.response)?, take(layout.weights)?);
        let taken = kept[first..].iter().filter(|&&kept| kept).count();
        if taken == 0 && layout.factors.is_empty() {
            return Err(no_matrix(columns));
        }
        if let Values::Held(values) = &mut values
            && taken + first < width
        {
            let mut slots = kept.iter().cycle();
            values.retain(|_| slots.next().is_some_and(|&kept| kept));
        }
        note_left_out(columns, &left_out, "text, no numbers", &mut self.notes);
        note_left_out(columns, &empty, "no cell holds anything", &mut self.notes);
        let column_names = columns.header.as_ref().map(|_| {
            let intercept = layout.intercept.then(|| "(Intercept)".to_string());
            let names = layout.sources.iter().map(|&c| columns.name(c).map_or(format!("x{}", c + 1), str::to_string));
            let all = intercept.into_iter().chain(names);
            all.zip(&kept).filter(|&(_, &kept)| kept).map(|(name, _)| name).collect()
        });
        let name = |&column: &usize| columns.name(column).map_or_else(|| format!("x{}", column + 1), str::to_string);
        let factors = layout.factors.iter().map(name).zip(self.factors.into_iter().map(|(text, _)| text)).collect();
        let mut table = ReadTable {
            factors,
            values,
            columns: taken + first,
            response,
            weights,
            row_names: self.names_column.map(|_| self.names),
            column_names,
            omitted: Vec::new(),
            notes: self.notes,
        };
        table.leave_out(omitted, self.count)?;
        if let Values::Spooled(rows) = table.values {
            let picked = (0..width).filter(|&slot| kept[slot]).collect();
            let omitted: Vec<usize> = table.omitted.iter().map(|row| row.row).collect();
            table.values = Values::Spooled(rows.narrowed(picked, &omitted));
        }
        Ok(table)
    }

    /// Row names differ; a first column of words that repeat is a column like any other.
    fn settle_names(&mut self, columns: &Columns) -> Checked<()> {
        let Some(column) = self.names_column else { return Ok(()) };
        if self.names_for_sure {
            return require_distinct(&self.names, &columns.phrase(column));
        }
        let slot = self.layout.sources.iter().position(|&source| source == column);
        let flags = slot.is_some_and(|slot| matches!(self.columns[slot].kind, Kind::Flags { .. } | Kind::Unseen));
        let alike = slot.is_some_and(|slot| self.columns[slot].require_text().is_err());
        let taken = slot.is_some_and(|slot| {
            self.layout.chosen || self.layout.response == Some(slot) || self.layout.weights == Some(slot)
        });
        if flags || alike || taken || repeated(&self.names).is_some() {
            self.names_column = None;
        } else {
            self.notes.push(format!("row names: {}", columns.phrase(column)));
        }
        Ok(())
    }
}

impl ColumnSoFar {
    /// The error of a column that should hold numbers; `after` some were found.
    fn require_numbers(&self, after: bool) -> std::result::Result<(), (usize, String)> {
        let (row, cell, expected) = match &self.kind {
            Kind::Unseen | Kind::Numbers => return Ok(()),
            Kind::Flags { row, cell } if after => (row, cell, "a number"),
            Kind::Flags { .. } => return Ok(()),
            Kind::Text { row, cell } => (row, cell, "a number"),
            Kind::NotFinite { row, cell } => (row, cell, "a finite number"),
        };
        let advice = match &self.first_alike {
            Some((alike_row, alike, advice)) if alike_row == row && alike == cell => (*advice).to_string(),
            _ => "leave the column out, or remove the row".to_string(),
        };
        Err((*row, format!("found {}, expected {expected}: {advice}", shown(cell))))
    }

    /// The error of a column of text, half of which or more looks like numbers.
    fn require_text(&self) -> std::result::Result<(), (usize, String)> {
        match &self.first_alike {
            Some((row, cell, advice)) if 2 * self.alike >= self.texts => Err((
                *row,
                format!("found {}, which looks like a number: {advice}; or leave the column out", shown(cell)),
            )),
            _ => Ok(()),
        }
    }
}

impl ReadTable {
    /// Leaves rows out, and keeps the labels of the others.
    fn leave_out(&mut self, rows: Vec<usize>, count: usize) -> Checked<()> {
        let Some(Omission { rows, gone, note }) = Omission::of(rows, count, self.row_names.as_deref())? else {
            return Ok(());
        };
        if let Values::Held(values) = &mut self.values {
            let mut cells = gone.iter().flat_map(|&gone| std::iter::repeat_n(gone, self.columns));
            values.retain(|_| cells.next() == Some(false));
        }
        for values in [&mut self.response, &mut self.weights].into_iter().flatten() {
            let mut row = gone.iter();
            values.retain(|_| row.next() == Some(&false));
        }
        for (_, factor) in &mut self.factors {
            let mut row = gone.iter();
            factor.codes.retain(|_| row.next() == Some(&false));
        }
        let names = self.row_names.take().unwrap_or_else(|| (1..=count).map(|row| row.to_string()).collect());
        self.row_names = Some(names.into_iter().zip(&gone).filter(|&(_, &gone)| !gone).map(|(name, _)| name).collect());
        self.notes.push(note);
        self.omitted = rows;
        Ok(())
    }
}

/// Whole numbers of a column that a double cannot hold.
#[derive(Default)]
pub(crate) struct Rounded {
    count: usize,
    first: Option<(usize, String)>,
}

impl Rounded {
    /// Looks at the number of a cell of a row (1-based).
    pub fn meet(&mut self, cell: &str, value: f64, row: usize) {
        if lossy_integer(cell, value) {
            self.count += 1;
            self.first.get_or_insert_with(|| (row, cell.trim().to_string()));
        }
    }

    /// What the user should know.
    pub fn note(&self, place: &str) -> Option<String> {
        let (row, cell) = self.first.as_ref()?;
        let more = if self.count > 1 { format!(" and {} more", self.count - 1) } else { String::new() };
        Some(format!(
            "{place}: the whole number {} in row {row}{more} cannot be held by a double and was rounded",
            shown(cell)
        ))
    }
}

/// What is wrong with a missing cell where numbers are expected.
fn missing_reason(cell: &str) -> String {
    format!("found {}, expected a number: --missing omit leaves such rows out", missing_phrase(cell))
}

/// A missing cell as messages call it.
pub(crate) fn missing_phrase(cell: &str) -> String {
    if cell.is_empty() { "an empty cell".to_string() } else { format!("{}, a missing cell", shown(cell)) }
}

fn no_matrix(columns: &Columns) -> Fault {
    let semicolons = columns.header.iter().flatten().any(|name| name.contains(';'));
    Fault::new(if semicolons {
        "found no column of numbers, but semicolons: --delimiter says what separates the cells"
    } else {
        "found no column of numbers for the matrix, expected at least one"
    })
}

/// Notes which columns were left out.
pub(crate) fn note_left_out(columns: &Columns, left_out: &[usize], why: &str, notes: &mut Vec<String>) {
    if left_out.is_empty() {
        return;
    }
    let name = |&column: &usize| columns.name(column).map_or_else(|| (column + 1).to_string(), str::to_string);
    let names: Vec<String> = left_out.iter().map(name).collect();
    let noun = if names.len() == 1 { "column" } else { "columns" };
    notes.push(format!("left out {noun} {}: {why}", listed(&names)));
}
