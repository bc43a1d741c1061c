//! Numbers of a table as they arrive: in memory while they are few, then in a temporary file without a name.

use crate::fault::{Checked, Fault, room};
use crate::file_rows::FileRows;
use crate::kept::Kept;
use crate::matrix::Storage;
use crate::npy::DenseValues;
use std::fs::File;
use std::io::Write;

/// Numbers that are written at once: 1 MB.
const PIECE: usize = 1 << 17;

/// The numbers of a table, row-major, while it is read.
pub(crate) struct Collected {
    /// All of them, or those that are not written yet.
    held: Vec<f64>,
    /// Bytes up to which all are held.
    most: u64,
    spool: Option<File>,
    written: usize,
}

/// The numbers of a table that has been read, row-major.
pub(crate) enum Body {
    Held(Vec<f64>),
    /// A file of them without a name: it is gone when it is closed, however the process ends.
    Spooled(File),
}

impl Collected {
    /// At most `most` bytes stay in memory.
    pub fn up_to(most: u64) -> Self {
        Collected { held: Vec::new(), most, spool: None, written: 0 }
    }

    /// Room for a row of `width` numbers.
    pub fn room(&mut self, width: usize) -> Checked<()> {
        if self.spool.is_none() {
            if 8 * (self.held.len() + width) as u64 <= self.most {
                return room(&mut self.held, width, "the table");
            }
            self.spool = Some(tempfile::tempfile().map_err(|e| unwritten(&e))?);
        }
        if self.held.len() + width > PIECE.max(width) {
            self.write()?;
        }
        room(&mut self.held, width, "a row of the table")
    }

    /// Adds a number; there must be [`room`](Self::room) for it.
    pub fn push(&mut self, value: f64) {
        self.held.push(value);
    }

    /// Adds whole rows.
    #[cfg(feature = "parquet")]
    pub fn extend(&mut self, rows: &[f64]) -> Checked<()> {
        self.room(rows.len())?;
        self.held.extend_from_slice(rows);
        Ok(())
    }

    fn write(&mut self) -> Checked<()> {
        self.written += self.held.len();
        let Some(file) = &mut self.spool else { return Ok(()) };
        let mut bytes = Vec::with_capacity(8 * PIECE);
        for piece in self.held.chunks(PIECE) {
            bytes.clear();
            bytes.extend(piece.iter().flat_map(|value| value.to_le_bytes()));
            file.write_all(&bytes).map_err(|e| unwritten(&e))?;
        }
        self.held = Vec::with_capacity(PIECE);
        Ok(())
    }

    /// All numbers, and how many there are.
    pub fn finish(mut self) -> Checked<(Body, usize)> {
        self.write()?;
        Ok(match self.spool {
            None => (Body::Held(self.held), self.written),
            Some(file) => (Body::Spooled(file), self.written),
        })
    }

    /// All numbers as a matrix of rows of `columns`.
    #[cfg(feature = "parquet")]
    pub fn matrix(self, path: &str, columns: usize) -> Checked<Storage> {
        let (body, count) = self.finish()?;
        Ok(match body {
            Body::Held(values) => Storage::Dense { values: DenseValues::Owned(values), columns },
            Body::Spooled(file) => Storage::Streamed(Box::new(FileRows::new(
                spooled(path),
                file,
                (0, columns),
                None,
                Kept::default(),
                count / columns,
            ))),
        })
    }
}

/// What messages call the temporary file of a table.
pub(crate) fn spooled(path: &str) -> String {
    format!("the temporary file of {path}")
}

fn unwritten(error: &std::io::Error) -> Fault {
    let folder = std::env::temp_dir();
    Fault::new(format!(
        "the numbers of the table do not fit into their share of memory, and cannot be written to {}: {error}; TMPDIR names \
         another folder, --memory gives more",
        folder.display()
    ))
}
