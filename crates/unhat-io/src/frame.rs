//! A table with numbers, text and missing cells as a [`Frame`]: what models are fitted to.

use crate::fault::{Checked, Fault, shown};
use crate::format::MatrixFormat;
use crate::open::open_text;
use crate::records::{Records, number};
use crate::{Matrix, TableOptions, read_matrix};
use std::io::Read;
use unhat::rows::RowSource;
use unhat::{ErrorKind, Result};
use unhat_models::models::{Column, Frame, TextColumn};

/// What stands for a missing cell, beside an empty one.
const MISSING_MARKS: [&str; 2] = ["NA", "?"];

/// A short sparse file can stand for any number of zeros. Columns take 8 MB, and beyond that at most a thousand cells for
/// each entry that is there: in a bag of words one cell in a hundred is filled.
const CELLS_FOR_ANY: u64 = 1 << 20;
/// See [`CELLS_FOR_ANY`].
const CELLS_AN_ENTRY: u64 = 1000;

/// Reads a table of mixed columns; the suffix of `path` says the format as for [`read_matrix`].
///
/// Tables (`.csv`, `.tsv`): the first line is a header if one of its cells is no number; without one the columns are
/// x1, x2, …. A first column without a name holds row names, and every other column is kept: as numbers, or as text. An
/// empty cell, `NA` or `?` is missing. A matrix (`.npy`, `.npz`, `.mtx`) is a table of columns x1, x2, ….
///
/// # Cost
/// One pass over the file; 8 bytes a number, 4 bytes and its share of the different words a text.
/// # Errors
/// [`ErrorKind::Source`] with the file, row, column, what was found and what was expected: also for NaN and infinities
/// written out, and for text and numbers in one column. [`ErrorKind::Option`] for two columns of one name;
/// [`ErrorKind::TooLarge`] for a sparse matrix of almost only zeros.
/// # Examples
/// ```
/// use unhat_models::models::Column;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("homes.csv").display().to_string();
/// std::fs::write(&path, "town,sqft,price\nRome,900,200\n\"Paris, France\",NA,310\n")?;
/// let homes = unhat_io::read_frame(&path)?;
/// assert_eq!(homes.names(), ["town", "sqft", "price"]);
/// assert_eq!(homes.columns()[2], Column::Numbers(vec![200.0, 310.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_frame(path: &str) -> Result<Frame> {
    match MatrixFormat::of(path).map_err(|fault| fault.in_input(path))? {
        MatrixFormat::Table { delimiter, gzip } => {
            let read = || read_columns(open_text(path, gzip)?, delimiter);
            read().map_err(|fault| fault.in_input(path))?.frame()
        }
        _ => of_matrix(path, &read_matrix(path, &TableOptions::default())?.matrix),
    }
}

struct ReadColumns {
    header: Option<Vec<String>>,
    columns: Vec<Growing>,
    row_names: Option<Vec<String>>,
}

impl ReadColumns {
    fn frame(self) -> Result<Frame> {
        let header = self.header;
        let name = |k: usize| match header.as_ref().map(|names| names[k].as_str()) {
            None | Some("") => format!("x{}", k + 1),
            Some(name) => name.to_string(),
        };
        let first = usize::from(self.row_names.is_some());
        let columns = self.columns.into_iter().enumerate().map(|(k, column)| (name(k + first), column.finish()));
        let mut frame = Frame::new(columns.collect())?;
        frame.row_names = self.row_names;
        Ok(frame)
    }
}

/// A column while it is read: what it is shows with its first cell that is not missing.
enum Growing {
    /// So many missing cells.
    Unseen(usize),
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
    fn push(&mut self, cell: &str, row: usize) -> std::result::Result<(), String> {
        let cell = cell.trim();
        if cell.is_empty() || MISSING_MARKS.contains(&cell) {
            match self {
                Growing::Unseen(count) => *count += 1,
                Growing::Numbers { values, .. } => values.push(f64::NAN),
                Growing::Text { text, .. } => text.push(None),
            }
            return Ok(());
        }
        match number(cell) {
            Some(value) if !value.is_finite() => Err(format!(
                "found {}, expected a finite number, or an empty cell, NA or ? where it is missing",
                shown(cell)
            )),
            Some(value) => self.push_number(value, row, cell),
            None => self.push_text(cell, row),
        }
    }

    fn push_number(&mut self, value: f64, row: usize, cell: &str) -> std::result::Result<(), String> {
        match self {
            Growing::Unseen(missing) => {
                let mut values = vec![f64::NAN; *missing];
                values.push(value);
                *self = Growing::Numbers { values, first: row };
            }
            Growing::Numbers { values, .. } => values.push(value),
            Growing::Text { first, .. } => {
                return Err(format!(
                    "found {}, expected text as in row {first}: a column holds one of both",
                    shown(cell)
                ));
            }
        }
        Ok(())
    }

    fn push_text(&mut self, cell: &str, row: usize) -> std::result::Result<(), String> {
        match self {
            Growing::Unseen(missing) => {
                let mut text = TextColumn::new(std::iter::repeat_n(None, *missing));
                text.push(Some(cell));
                *self = Growing::Text { text, first: row };
            }
            Growing::Text { text, .. } => text.push(Some(cell)),
            Growing::Numbers { first, .. } => {
                return Err(format!(
                    "found {}, expected a number as in row {first}, or an empty cell, NA or ? where it is missing",
                    shown(cell)
                ));
            }
        }
        Ok(())
    }

    /// A column without any value counts as numbers.
    fn finish(self) -> Column {
        match self {
            Growing::Unseen(missing) => Column::Numbers(vec![f64::NAN; missing]),
            Growing::Numbers { values, .. } => Column::Numbers(values),
            Growing::Text { text, .. } => Column::Text(text),
        }
    }
}

fn read_columns(text: impl Read, delimiter: u8) -> Checked<ReadColumns> {
    let mut records = Records::new(text, delimiter);
    if !records.next()? {
        return Err(Fault::new("the file holds no row"));
    }
    let width = records.record().len();
    let header = records.record().iter().any(|cell| number(cell).is_none()).then(|| {
        let names: Vec<String> = records.record().iter().map(|cell| cell.trim().to_string()).collect();
        names
    });
    if header.is_some() {
        records.is_header();
        if !records.next()? {
            return Err(Fault::new("found a header but no rows, expected at least one row"));
        }
    }
    let mut row_names = header.as_ref().filter(|names| names[0].is_empty()).map(|_| Vec::new());
    let first = usize::from(row_names.is_some());
    if width == first {
        return Err(Fault::new("found row names but no column beside them"));
    }
    let mut columns: Vec<Growing> = (first..width).map(|_| Growing::Unseen(0)).collect();
    loop {
        let record = records.record();
        if record.len() != width {
            let reason = format!("found {} cells, expected {width} as in the first line", record.len());
            return Err(Fault::at(records.position(), reason));
        }
        if let Some(names) = &mut row_names {
            names.push(record[0].trim().to_string());
        }
        for (k, column) in columns.iter_mut().enumerate() {
            column.push(&record[k + first], records.rows()).map_err(|reason| {
                let column = match header.as_ref().map(|names| names[k + first].as_str()) {
                    None | Some("") => format!("column {}", k + first + 1),
                    Some(name) => format!("column {}", shown(name)),
                };
                Fault::at(format!("{}, {column}", records.position()), reason)
            })?;
        }
        if !records.next()? {
            return Ok(ReadColumns { header, columns, row_names });
        }
    }
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
