//! What the rows of an answer are called: numbers, names, or names that stay in the files of the table.

#[cfg(feature = "parquet")]
use crate::columnar::Ids;
use crate::matrix::Matrix;
use crate::table::{OmittedRow, kept_rows};
use std::io;

/// What stands beside the value of each row.
#[derive(Clone, Copy)]
pub enum RowLabels<'a> {
    /// The number of the row in its file, from 1, without the rows that are named here.
    Numbers(&'a [OmittedRow]),
    /// Its name.
    Names(&'a [String]),
    /// Its name in the files of a table in Parquet, which are read once more.
    #[cfg(feature = "parquet")]
    InFiles {
        /// Where they are.
        ids: &'a Ids,
        /// Whether rows that were left out have a value too.
        pads: bool,
    },
}

impl<'a> RowLabels<'a> {
    /// The labels of `matrix` for an answer that goes to `path`, where `names` are those in memory; an answer that `pads` has a
    /// value for every row of the file.
    #[must_use]
    pub fn of(matrix: &'a Matrix, names: Option<&'a [String]>, pads: bool, path: &str) -> Self {
        #[cfg(feature = "parquet")]
        if let Some(ids) = &matrix.ids
            && (names.is_none() || path.to_lowercase().ends_with(".parquet"))
        {
            return RowLabels::InFiles { ids, pads };
        }
        let _ = path;
        match names {
            Some(names) => RowLabels::Names(names),
            None => RowLabels::Numbers(if pads { &[] } else { &matrix.omitted }),
        }
    }

    /// The numbers of the rows, without end; those of [`RowLabels::Numbers`].
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + use<'a> {
        let omitted = match self {
            RowLabels::Numbers(omitted) => *omitted,
            _ => &[],
        };
        kept_rows(omitted).map(|row| row + 1)
    }

    /// Calls `f` with the label of each of `count` rows in order.
    pub(crate) fn each(&self, count: usize, f: &mut dyn FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        match self {
            RowLabels::Numbers(_) => self.numbers().take(count).try_for_each(|number| f(&number.to_string())),
            RowLabels::Names(names) => names.iter().try_for_each(|name| f(name)),
            #[cfg(feature = "parquet")]
            RowLabels::InFiles { ids, pads } => {
                let changed = || io::Error::other("the files with the names of the rows have changed");
                let mut met = 0;
                let read = ids.each_word(*pads, &mut |word| {
                    met += 1;
                    match met <= count {
                        true => f(&word).map_err(crate::fault::Fault::from),
                        false => Err(changed().into()),
                    }
                });
                read.map_err(|e| io::Error::other(e.to_string()))?;
                if met == count { Ok(()) } else { Err(changed()) }
            }
        }
    }
}
