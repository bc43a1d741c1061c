//! What to take from a table of numbers, text and missing cells, and what was met while it was read.

use crate::fault::Fault;
use crate::table::{Dialect, OmittedRow};
use unhat::Result;
use unhat_models::models::Frame;

/// What to take from a table of mixed columns.
#[derive(Clone, Debug, Default)]
pub struct FrameOptions {
    /// How the table is written, and what becomes of missing cells.
    pub dialect: Dialect,
    /// Columns whose missing cells do not matter, since nobody uses them.
    pub without: Vec<String>,
    /// The columns whose missing cells matter; None: all but `without`.
    pub only: Option<Vec<String>>,
}

/// A table of mixed columns, and what was met while it was read.
pub struct ReadFrame {
    /// The table, without the rows that were left out.
    pub frame: Frame,
    /// Rows of the file that were left out for missing cells, in order.
    pub omitted: Vec<OmittedRow>,
    /// What the user should know: delimiter, header, row names, rows left out.
    pub notes: Vec<String>,
    /// Columns of text that hardly are one: numbers written in another way, or nearly one word a row.
    pub doubts: Vec<Doubt>,
}

/// A column of text that is hardly meant as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// The column's name.
    pub column: String,
    /// Where and why.
    pub reason: String,
}

impl ReadFrame {
    /// Refuses to make features of doubtful columns; those `without` are none.
    ///
    /// # Errors
    /// [`ErrorKind::Source`](unhat::ErrorKind::Source) with the file, the column and what to do.
    pub fn require_features(&self, path: &str, without: &[String]) -> Result<()> {
        match self.doubts.iter().find(|doubt| !without.contains(&doubt.column)) {
            None => Ok(()),
            Some(doubt) => Err(Fault::new(doubt.reason.clone()).in_input(path)),
        }
    }
}
