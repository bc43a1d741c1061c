//! Names of rows that stay in their files: read again when the answer is written, in their order and their type.

use super::parts::{Part, Parts};
use super::values::words;
use crate::fault::{Checked, Fault};
use crate::kept::Kept;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use std::sync::Arc;
use unhat::Result;

/// Rows whose names are read at once.
const BATCH_ROWS: usize = 8192;

/// The column of a table in Parquet that names its rows.
pub struct Ids {
    pub(super) parts: Arc<Parts>,
    pub(super) root: usize,
    pub(super) kept: Kept,
}

impl Ids {
    /// The name of the column.
    pub fn column(&self) -> &str {
        &self.parts.names[self.root]
    }

    pub(crate) fn kind(&self) -> &DataType {
        &self.parts.types[self.root]
    }

    /// Calls `f` with the names of the rows, piece after piece; those of rows that were left out only where the answer `pads`.
    pub(super) fn each(&self, pads: bool, f: &mut dyn FnMut(&Part, ArrayRef) -> Result<()>) -> Result<()> {
        let all = Kept::default();
        let kept = if pads { &all } else { &self.kept };
        self.parts.each(&[self.root], 0..self.parts.rows, BATCH_ROWS, &mut |part, columns, place| {
            let count = columns[0].len();
            kept.runs(place..place + count).try_for_each(|run| f(part, columns[0].slice(run.start - place, run.len())))
        })
    }

    /// The same as words.
    pub(crate) fn each_word(&self, pads: bool, f: &mut dyn FnMut(String) -> Checked<()>) -> Result<()> {
        self.each(pads, &mut |part, column| {
            let fault = |reason: String| part.fault(Fault::at(self.parts.place(self.root), reason));
            let words = words(&column).map_err(fault)?;
            words.into_iter().try_for_each(|word| f(word.unwrap_or_default())).map_err(|fault| part.fault(fault))
        })
    }

    /// All of them.
    pub(super) fn all(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        self.each_word(false, &mut |word| {
            names.push(word);
            Ok(())
        })?;
        Ok(names)
    }
}
