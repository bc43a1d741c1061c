//! A table with numbers, text and missing cells as a [`Frame`]: what models are fitted to.

use crate::fault::{Checked, Fault, require_memory, shown};
use crate::format::MatrixFormat;
use crate::frame_options::{Doubt, FrameOptions, ReadFrame};
use crate::open::open_text;
use crate::table::{Delimiter, Missing, NumberFormat, Omission, Rounded, flag, missing_phrase, open, require_distinct};
use crate::{Matrix, TableOptions, read_matrix};
use std::io::Read;
use unhat::rows::RowSource;
use unhat::{ErrorKind, Result};
use unhat_models::models::{Column, Frame, TextColumn};

/// A short sparse file can stand for any number of zeros. Columns take 8 MB, and beyond that at most a thousand cells for
/// each entry that is there: in a bag of words one cell in a hundred is filled.
const CELLS_FOR_ANY: u64 = 1 << 20;
/// See [`CELLS_FOR_ANY`].
const CELLS_AN_ENTRY: u64 = 1000;

/// Reads a table of mixed columns with the defaults of [`FrameOptions`]; the suffix of `path` says the format as for
/// [`read_matrix`].
///
/// # Errors
/// As [`read_frame_as`].
/// # Examples
/// ```
/// use unhat_models::models::Column;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("homes.csv").display().to_string();
/// std::fs::write(&path, "town,sqft,price\nRome,900,200\n\"Paris, France\",450,310\n")?;
/// let homes = unhat_io::read_frame(&path)?;
/// assert_eq!(homes.names(), ["town", "sqft", "price"]);
/// assert_eq!(homes.columns()[2], Column::Numbers(vec![200.0, 310.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_frame(path: &str) -> Result<Frame> {
    Ok(read_frame_as(path, &FrameOptions::default())?.frame)
}

/// Reads a table of mixed columns.
///
/// Tables (`.csv`, `.tsv`) are recognised or refused as [`Dialect`](crate::Dialect) says; without a header the columns are x1, x2, …. A
/// first column without a name holds row names, and every other column is kept: as numbers, or as text; TRUE and FALSE are 1
/// and 0. A matrix (`.npy`, `.npz`, `.mtx`) is a table of columns x1, x2, ….
///
/// # Cost
/// One pass over the file; 8 bytes a number, 4 bytes and its share of the different words a text.
/// # Errors
/// [`ErrorKind::Source`] with the file, row, column, what was found and what was expected: also for infinities written out,
/// for text and numbers in one column, and for a missing cell unless `options` says what becomes of it.
/// [`ErrorKind::Option`] for options with a format that is no table; [`ErrorKind::TooLarge`] for a sparse matrix of almost
/// only zeros.
pub fn read_frame_as(path: &str, options: &FrameOptions) -> Result<ReadFrame> {
    match MatrixFormat::of(path).map_err(|fault| fault.in_input(path))? {
        MatrixFormat::Table { delimiter, gzip } => {
            let read = || read_columns(open_text(path, gzip)?, delimiter, options);
            read().and_then(|columns| columns.frame(options)).map_err(|fault| fault.in_input(path))
        }
        #[cfg(feature = "parquet")]
        MatrixFormat::Parquet => crate::columnar::read_frame_of(path, options),
        #[cfg(feature = "parquet")]
        MatrixFormat::Arrow => {
            Err(Fault::new("is of Arrow, expected a table of text or Parquet: write it again").in_input(path))
        }
        _ => {
            let table = TableOptions { dialect: options.dialect.clone(), ..TableOptions::default() };
            let frame = of_matrix(path, &read_matrix(path, &table)?.matrix)?;
            Ok(ReadFrame { frame, omitted: Vec::new(), notes: Vec::new(), doubts: Vec::new() })
        }
    }
}

struct ReadColumns {
    names: Vec<String>,
    columns: Vec<Growing>,
    row_names: Option<Vec<String>>,
    rows: usize,
    numbers: NumberFormat,
    notes: Vec<String>,
}

impl ReadColumns {
    fn frame(mut self, options: &FrameOptions) -> Checked<ReadFrame> {
        let missing = self.rows_with_gaps(options)?;
        let mut columns = Vec::new();
        let mut doubts = Vec::new();
        for (name, growing) in self.names.into_iter().zip(self.columns) {
            self.notes.extend(growing.rounded.note(&format!("column {}", shown(&name))));
            let column = growing.finish();
            if let Some(reason) = doubt(&name, &column, &self.numbers) {
                doubts.push(Doubt { column: name.clone(), reason });
            }
            columns.push((name, column));
        }
        let mut frame = Frame::new(columns).map_err(|error| Fault::new(error.to_string()))?;
        frame.row_names = self.row_names;
        let mut omitted = Vec::new();
        if let Some(Omission { rows, gone, note }) = Omission::of(missing, self.rows, frame.row_names.as_deref())? {
            frame = frame.take(&(0..self.rows).filter(|&row| !gone[row]).collect::<Vec<_>>());
            self.notes.push(note);
            omitted = rows;
        }
        Ok(ReadFrame { frame, omitted, notes: self.notes, doubts })
    }

    /// The rows with a missing cell in a column that is used.
    fn rows_with_gaps(&self, options: &FrameOptions) -> Checked<Vec<usize>> {
        let used = |name: &String| match &options.only {
            Some(only) => only.contains(name),
            None => !options.without.contains(name),
        };
        let mut rows = Vec::new();
        for (name, column) in self.names.iter().zip(&self.columns).filter(|(name, _)| used(name)) {
            match (options.dialect.missing, column.missing.first()) {
                (Missing::Indicator, _) | (_, None) => {}
                (Missing::Error, Some(row)) => {
                    let found = missing_phrase(&column.missing_cell);
                    let reason =
                        format!("found {found}: --missing omit leaves such rows out, --missing indicator keeps them");
                    return Err(Fault::at(format!("row {}, column {}", row + 1, shown(name)), reason));
                }
                (Missing::Omit | Missing::Exclude, Some(_)) => rows.extend(&column.missing),
            }
        }
        Ok(rows)
    }
}

/// From this many rows on a column of words can have one word a row by intention of nobody.
const ROWS_FOR_DOUBT: usize = 8;

/// Why a column is hardly meant as text.
fn doubt(name: &str, column: &Column, numbers: &NumberFormat) -> Option<String> {
    let Column::Text(text) = column else { return None };
    let mut counts = vec![0usize; text.words.len()];
    text.codes.iter().for_each(|&code| counts.get_mut(code as usize).into_iter().for_each(|count| *count += 1));
    let filled: usize = counts.iter().sum();
    let likeness: Vec<Option<&str>> = text.words.iter().map(|word| numbers.likeness(word)).collect();
    let alike: usize = likeness.iter().zip(&counts).filter(|(like, _)| like.is_some()).map(|(_, count)| count).sum();
    if 2 * alike >= filled.max(1) {
        let k = likeness.iter().position(Option::is_some)?;
        let row = text.codes.iter().position(|&code| code as usize == k)?;
        return Some(format!(
            "row {}, column {}: found {}, which looks like a number: {}; --without leaves the column out",
            row + 1,
            shown(name),
            shown(&text.words[k]),
            likeness[k].unwrap_or_default()
        ));
    }
    (filled >= ROWS_FOR_DOUBT && 10 * text.words.len() >= 9 * filled).then(|| {
        format!(
            "column {}: text in {filled} rows, {} different: each would be a feature of its own. Is it a number, a date or a \
             name? --without leaves the column out",
            shown(name),
            text.words.len()
        )
    })
}

/// A column while it is read: what it is shows with its first cell that is not missing.
#[derive(Default)]
struct Growing {
    cells: Cells,
    /// Rows with a missing cell, counted from 0.
    missing: Vec<usize>,
    /// What the first of them holds.
    missing_cell: String,
    rounded: Rounded,
}

#[derive(Default)]
enum Cells {
    /// None but missing ones so far.
    #[default]
    Unseen,
    Numbers {
        values: Vec<f64>,
        first: usize,
    },
    Text {
        text: TextColumn,
        first: usize,
    },
}

impl Growing {
    /// Adds the cell of a row (1-based); the fault says what is wrong with it.
    fn push(
        &mut self,
        cell: &str,
        row: usize,
        options: &FrameOptions,
        numbers: &NumberFormat,
    ) -> std::result::Result<(), String> {
        let cell = cell.trim();
        if options.dialect.is_missing(cell) {
            if self.missing.is_empty() {
                self.missing_cell = cell.to_string();
            }
            self.missing.push(row - 1);
            match &mut self.cells {
                Cells::Unseen => {}
                Cells::Numbers { values, .. } => values.push(f64::NAN),
                Cells::Text { text, .. } => text.push(None),
            }
            return Ok(());
        }
        match numbers.number(cell) {
            Some(value) if !value.is_finite() => Err(format!(
                "found {}, expected a finite number, or an empty cell or NA where it is missing",
                shown(cell)
            )),
            Some(value) => {
                self.rounded.meet(cell, value, row);
                self.push_number(value, row, cell)
            }
            None => self.push_text(cell, row, numbers),
        }
    }

    fn push_number(&mut self, value: f64, row: usize, cell: &str) -> std::result::Result<(), String> {
        match &mut self.cells {
            Cells::Unseen => {
                let mut values = vec![f64::NAN; row - 1];
                values.push(value);
                self.cells = Cells::Numbers { values, first: row };
            }
            Cells::Numbers { values, .. } => values.push(value),
            Cells::Text { text, first } => {
                let before = text.word(*first - 1).unwrap_or_default();
                let reason =
                    format!("found {}, expected text as in row {first}, which holds {}", shown(cell), shown(before));
                return Err(reason + &advice(NumberFormat::PLAIN.likeness(before)));
            }
        }
        Ok(())
    }

    fn push_text(&mut self, cell: &str, row: usize, numbers: &NumberFormat) -> std::result::Result<(), String> {
        match &mut self.cells {
            Cells::Unseen => {
                let mut text = TextColumn::new(std::iter::repeat_n(None, row - 1));
                text.push(Some(cell));
                self.cells = Cells::Text { text, first: row };
            }
            Cells::Text { text, .. } => text.push(Some(cell)),
            Cells::Numbers { first, .. } => {
                let reason = format!("found {}, expected a number as in row {first}", shown(cell));
                let like = numbers.likeness(cell).unwrap_or("--na says what stands for a missing cell");
                return Err(reason + &advice(Some(like)));
            }
        }
        Ok(())
    }

    /// A column without any value counts as numbers, and TRUE and FALSE are 1 and 0.
    fn finish(self) -> Column {
        match self.cells {
            Cells::Unseen => Column::Numbers(vec![f64::NAN; self.missing.len()]),
            Cells::Numbers { values, .. } => Column::Numbers(values),
            Cells::Text { text, .. } => match text.words.iter().map(|word| flag(word)).collect::<Option<Vec<f64>>>() {
                Some(flags) => {
                    let value = |&code: &u32| flags.get(code as usize).copied().unwrap_or(f64::NAN);
                    Column::Numbers(text.codes.iter().map(value).collect())
                }
                None => Column::Text(text),
            },
        }
    }
}

fn advice(words: Option<&str>) -> String {
    words.map(|words| format!(": {words}")).unwrap_or_default()
}

fn read_columns(text: impl Read, delimiter: Delimiter, options: &FrameOptions) -> Checked<ReadColumns> {
    let mut opened = open(text, delimiter, &options.dialect)?;
    let numbers = opened.numbers;
    let sources: Vec<usize> = (0..opened.columns.width).filter(|&c| opened.names_column != Some(c)).collect();
    let mut row_names = opened.names_column.map(|_| Vec::new());
    let mut columns: Vec<Growing> = sources.iter().map(|_| Growing::default()).collect();
    loop {
        let record = opened.row()?;
        if opened.count().is_power_of_two() {
            // Columns double when they are full: a number takes eight bytes, a text four and its word.
            let cells = (opened.count() as u64).saturating_mul(2 * columns.len() as u64);
            require_memory("the table", cells.saturating_mul(8))?;
        }
        if let (Some(names), Some(column)) = (&mut row_names, opened.names_column) {
            names.push(record[column].trim().to_string());
        }
        for (column, &source) in columns.iter_mut().zip(&sources) {
            column.push(&record[source], opened.count(), options, &numbers).map_err(|reason| {
                Fault::at(format!("row {}, {}", opened.count(), opened.columns.phrase(source)), reason)
            })?;
        }
        if !opened.next()? {
            break;
        }
    }
    if let (Some(names), Some(column)) = (&row_names, opened.names_column) {
        require_distinct(names, &opened.columns.phrase(column))?;
    }
    let mut notes = std::mem::take(&mut opened.notes);
    let mut names = Vec::new();
    let mut kept = Vec::new();
    for (column, &source) in columns.into_iter().zip(&sources) {
        match opened.columns.name(source) {
            // what a delimiter too many makes of every line
            None if opened.columns.header.is_some() && matches!(column.cells, Cells::Unseen) => {
                notes.push(format!("left out column {}: no cell holds anything", source + 1));
                continue;
            }
            None => names.push(format!("x{}", source + 1)),
            Some(name) => names.push(name.to_string()),
        }
        kept.push(column);
    }
    Ok(ReadColumns { names, columns: kept, row_names, rows: opened.count(), numbers, notes })
}

/// The columns of a matrix, whose entries must be finite.
fn of_matrix(path: &str, matrix: &Matrix) -> Result<Frame> {
    let rows = matrix.rows()?;
    let shape = rows.shape();
    let cells = (shape.rows as u64).saturating_mul(shape.columns as u64);
    let limit = CELLS_FOR_ANY.max((shape.stored as u64).saturating_mul(CELLS_AN_ENTRY));
    if cells > limit {
        let what = format!("{path} as a table of {} rows and {} columns", shape.rows, shape.columns);
        return Err(ErrorKind::TooLarge { what, bytes: cells.saturating_mul(8), limit: limit.saturating_mul(8) }.into());
    }
    let mut columns = vec![Vec::with_capacity(shape.rows); shape.columns];
    for k in 0..rows.blocks() {
        rows.with_block(k, &mut |block| {
            let count = block.block.rows();
            let mut values = vec![0.0; count * shape.columns];
            block.block.densify_into(0..count, &mut values);
            for (i, row) in values.chunks_exact(shape.columns).enumerate() {
                for (j, (&value, column)) in row.iter().zip(&mut columns).enumerate() {
                    if !value.is_finite() {
                        return Err(ErrorKind::Source {
                            path: path.to_string(),
                            position: Some(format!("row {}, column {}", block.start + i + 1, j + 1)),
                            reason: format!("found {value}, expected a finite number"),
                        }
                        .into());
                    }
                    column.push(value);
                }
            }
            Ok(())
        })?;
    }
    let named = columns.into_iter().enumerate().map(|(j, values)| (format!("x{}", j + 1), Column::Numbers(values)));
    Frame::new(named.collect())
}
