//! Tables: text with a column for each variable, some of it names, the rest a matrix.

mod dialect;
mod layout;
mod numbers;
mod opened;
mod read;
mod recognise;

use crate::fault::{Checked, Fault};
use crate::memory::Holding;

pub use dialect::{Decimal, Delimiter, Dialect, Missing, RowNames, Thousands};
pub(crate) use layout::Layout;
pub(crate) use numbers::{NumberFormat, flag, fortran_number, lossy_integer};
#[cfg(feature = "parquet")]
pub(crate) use opened::repeated;
pub(crate) use opened::{Columns, open, require_distinct};
#[cfg(feature = "parquet")]
pub(crate) use read::note_left_out;
pub(crate) use read::{ReadTable, Rounded, Values, missing_phrase, read};

/// What to take from a table.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// These columns in this order, by name or, where there is no header, by 1-based number. None: all numeric ones.
    pub columns: Option<Vec<String>>,
    /// This column is the response, and no column of the matrix.
    pub response: Option<String>,
    /// This column holds a weight for each row, and is no column of the matrix.
    pub weights: Option<String>,
    /// These columns are not looked at.
    pub without: Vec<String>,
    /// A column of ones comes first.
    pub intercept: bool,
    /// These columns are factors, whatever they hold: of [`read_absorbed`](crate::read_absorbed) only.
    pub factors: Vec<String>,
    /// How the table is written.
    pub dialect: Dialect,
    /// How much of it is held in memory.
    pub holding: Holding,
}

impl TableOptions {
    /// The first option that is set.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        if self.columns.is_some() {
            return Some("columns");
        }
        if self.response.is_some() {
            return Some("response");
        }
        if self.weights.is_some() {
            return Some("case-weights");
        }
        if !self.without.is_empty() {
            return Some("without");
        }
        if self.intercept {
            return Some("intercept");
        }
        if !self.factors.is_empty() {
            return Some("absorb");
        }
        self.dialect.first_set()
    }
}

/// A row of a table that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OmittedRow {
    /// Its number in the file, from 0.
    pub row: usize,
    /// Its name, or its number from 1.
    pub label: String,
}

/// Where rows stand in their file, from 0 and without end, when these were left out of it.
pub fn kept_rows(omitted: &[OmittedRow]) -> impl Iterator<Item = usize> {
    let mut gone = omitted.iter().map(|row| row.row).peekable();
    (0..).filter(move |row| gone.next_if_eq(row).is_none())
}

/// Rows that are left out of a table: in order, each once, not all of them.
pub(crate) struct Omission {
    pub rows: Vec<OmittedRow>,
    pub gone: Vec<bool>,
    pub note: String,
}

impl Omission {
    /// None where there is nothing to leave out.
    pub fn of(mut rows: Vec<usize>, count: usize, names: Option<&[String]>) -> Checked<Option<Self>> {
        rows.sort_unstable();
        rows.dedup();
        if rows.is_empty() {
            return Ok(None);
        }
        if rows.len() == count {
            return Err(Fault::new("every row has a missing cell; none is left"));
        }
        let mut gone = vec![false; count];
        rows.iter().for_each(|&row| gone[row] = true);
        let note = format!("{} of {count} rows left out for missing cells", rows.len());
        let label = |row: usize| names.map_or_else(|| (row + 1).to_string(), |names| names[row].clone());
        let rows = rows.into_iter().map(|row| OmittedRow { row, label: label(row) }).collect();
        Ok(Some(Omission { rows, gone, note }))
    }
}
