//! A matrix from a file of any format, and the rows it lends.

#[cfg(feature = "parquet")]
use crate::columnar::Ids;
use crate::fault::{Fault, listed, zeros};
use crate::npy::DenseValues;
use crate::sparse::Csr;
use crate::table::{OmittedRow, kept_rows};
use std::ops::Range;
use unhat::rows::{Block, CsrRows, DenseRows, RowSource, Rows, Shape};
use unhat::{ErrorKind, Result};

/// A matrix read from a file: dense in memory, dense in the mapped file, sparse, or still in its files.
pub struct Matrix {
    pub(crate) storage: Storage,
    /// The names of the rows, where a table has them.
    pub row_names: Option<Vec<String>>,
    /// The names of the columns, where a table has a header.
    pub column_names: Option<Vec<String>>,
    /// The names of the rows in their files, where a table in Parquet has them.
    #[cfg(feature = "parquet")]
    pub ids: Option<Ids>,
    /// Rows of the file that were left out for missing cells, in order.
    pub omitted: Vec<OmittedRow>,
    /// What the reader did and the user should know, for example which columns it left out.
    pub notes: Vec<String>,
}

/// How a file's matrix is kept.
pub(crate) enum Storage {
    /// Row-major.
    Dense {
        values: DenseValues,
        columns: usize,
    },
    Sparse(Csr),
    /// In files that are read again by every sweep.
    Streamed(Box<dyn RowSource + Send>),
}

/// What [`read_matrix`](crate::read_matrix) returns: the matrix, and the response where one was asked for.
pub struct Table {
    /// A.
    pub matrix: Matrix,
    /// The column named by [`TableOptions::response`](crate::TableOptions::response).
    pub response: Option<Vec<f64>>,
    /// The column named by [`TableOptions::weights`](crate::TableOptions::weights).
    pub weights: Option<Vec<f64>>,
}

/// The rows of a [`Matrix`], borrowed; itself a [`RowSource`].
#[derive(Clone, Copy, Debug)]
pub enum MatrixRows<'a> {
    /// Row-major.
    Dense(DenseRows<'a>),
    /// Compressed sparse rows.
    Csr(CsrRows<'a>),
    /// Read from files by every sweep.
    Streamed(StreamedRows<'a>),
}

/// Rows that stay in files and are read again by every sweep.
#[derive(Clone, Copy)]
pub struct StreamedRows<'a>(&'a dyn RowSource);

impl std::fmt::Debug for StreamedRows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StreamedRows").field(&self.0.shape()).finish()
    }
}

impl Matrix {
    /// A matrix without names or notes.
    pub(crate) fn new(storage: Storage) -> Self {
        Matrix {
            storage,
            row_names: None,
            column_names: None,
            #[cfg(feature = "parquet")]
            ids: None,
            omitted: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Lends the rows.
    ///
    /// # Cost
    /// None for dense rows; for sparse ones a look at every index, so keep what is lent.
    /// # Errors
    /// None for a matrix that was read: its arrays have been checked.
    pub fn rows(&self) -> Result<MatrixRows<'_>> {
        Ok(match &self.storage {
            Storage::Dense { values, columns } => MatrixRows::Dense(DenseRows::new(values.as_slice(), *columns)?),
            Storage::Sparse(csr) => MatrixRows::Csr(csr.rows()?),
            Storage::Streamed(rows) => MatrixRows::Streamed(StreamedRows(rows.as_ref())),
        })
    }

    /// Whether the rows are read from files by every sweep.
    pub fn is_streamed(&self) -> bool {
        matches!(self.storage, Storage::Streamed(_))
    }

    /// The names of the rows where they are not in memory but in their files.
    pub fn has_names_in_files(&self) -> bool {
        #[cfg(feature = "parquet")]
        return self.row_names.is_none() && self.ids.is_some();
        #[cfg(not(feature = "parquet"))]
        false
    }

    /// The matrix with its columns as rows; the names change sides.
    ///
    /// # Cost
    /// A copy: 8nd bytes for dense, 12 nnz + 8(n + d) bytes for sparse matrices. One that is read from files comes into memory.
    /// # Errors
    /// Those of the files, and [`ErrorKind::TooLarge`](unhat::ErrorKind::TooLarge) where memory does not hold it.
    pub fn transposed(self) -> Result<Matrix> {
        let storage = match self.storage {
            Storage::Streamed(rows) => {
                Storage::Dense { columns: rows.shape().rows, values: DenseValues::Owned(turned(rows.as_ref())?) }
            }
            Storage::Dense { values, columns } => {
                let values = values.as_slice();
                let rows = values.len() / columns;
                let column = |j: usize| values.iter().skip(j).step_by(columns).copied();
                Storage::Dense { values: DenseValues::Owned((0..columns).flat_map(column).collect()), columns: rows }
            }
            Storage::Sparse(csr) => Storage::Sparse(csr.transposed()),
        };
        let Matrix { row_names, column_names, notes, .. } = self;
        Ok(Matrix { row_names: column_names, column_names: row_names, notes, ..Matrix::new(storage) })
    }

    /// Leaves out rows without coefficients whose entry of `offset` is 0; the note that says so, where there is one.
    ///
    /// 0·x ≥ 0 and 0·x ≤ 0 hold everywhere, but the slack of such a row is 0. All others keep their labels.
    ///
    /// # Cost
    /// A look at every row; where one is left out, a copy.
    /// # Errors
    /// Those of files that are read again; and such a row in them, which cannot be left out there.
    pub fn leave_out_empty_rows(&mut self, offset: &mut Vec<f64>) -> Result<Option<String>> {
        let filled: Vec<bool> = match &self.storage {
            Storage::Dense { values, columns } => {
                values.as_slice().chunks_exact(*columns).map(|row| row.iter().any(|a| *a != 0.0)).collect()
            }
            Storage::Sparse(csr) => csr.filled_rows(),
            Storage::Streamed(rows) => filled_rows(rows.as_ref())?,
        };
        let gone: Vec<bool> = filled.iter().zip(offset.iter()).map(|(filled, b)| !filled && *b == 0.0).collect();
        let count = gone.iter().filter(|gone| **gone).count();
        if count == 0 || count == gone.len() {
            return Ok(None);
        }
        match &mut self.storage {
            Storage::Dense { values, columns } => {
                let rows = values.as_slice().chunks_exact(*columns).zip(&gone).filter(|(_, gone)| !**gone);
                *values = DenseValues::Owned(rows.flat_map(|(row, _)| row.iter().copied()).collect());
            }
            Storage::Sparse(csr) => csr.leave_out(&gone),
            Storage::Streamed(_) => {
                let row = gone.iter().position(|gone| *gone).unwrap_or(0) + 1;
                let reason = format!("row {row} has no coefficients and its b is 0; leave such rows out of the files");
                return Err(ErrorKind::Option { name: "matrix".into(), reason }.into());
            }
        }
        let mut kept = gone.iter();
        offset.retain(|_| kept.next() == Some(&false));
        // Where rows were left out before, those that are here do not stand at their places in the file.
        let in_file: Vec<usize> = kept_rows(&self.omitted).take(gone.len()).collect();
        let names = self.row_names.take().unwrap_or_else(|| in_file.iter().map(|row| (row + 1).to_string()).collect());
        let (mut labels, mut kept) = (Vec::new(), Vec::new());
        for ((label, gone), row) in names.into_iter().zip(&gone).zip(in_file) {
            if *gone {
                labels.push(label.clone());
                self.omitted.push(OmittedRow { row, label });
            } else {
                kept.push(label);
            }
        }
        self.row_names = Some(kept);
        self.omitted.sort_by_key(|row| row.row);
        Ok(Some(format!("left out rows without coefficients, which every point satisfies: {}", listed(&labels))))
    }

    /// n, d and the number of stored entries.
    pub fn shape(&self) -> Shape {
        match &self.storage {
            Storage::Dense { values, columns } => {
                let stored = values.as_slice().len();
                Shape { rows: stored / columns, columns: *columns, stored }
            }
            Storage::Sparse(csr) => csr.shape(),
            Storage::Streamed(rows) => rows.shape(),
        }
    }
}

/// The columns of rows in files, one after the other, in memory.
fn turned(rows: &dyn RowSource) -> Result<Vec<f64>> {
    let Shape { rows: n, columns: d, stored } = rows.shape();
    let refused = |fault: Fault| ErrorKind::Numerical { reason: fault.reason().to_string() };
    unhat::memory::require_memory("the matrix with its columns as rows", 8 * stored as u64)?;
    let mut values = zeros(stored).map_err(refused)?;
    rows.with_blocks(0..rows.blocks(), &mut |block| {
        if let Block::Dense(dense) = block.block {
            for (i, row) in block.range().zip(dense.values.chunks_exact(d)) {
                row.iter().enumerate().for_each(|(j, value)| values[j * n + i] = *value);
            }
        }
        Ok(())
    })?;
    Ok(values)
}

/// Whether each row in files has an entry that is not 0.
fn filled_rows(rows: &dyn RowSource) -> Result<Vec<bool>> {
    let mut filled = Vec::with_capacity(rows.shape().rows);
    rows.with_blocks(0..rows.blocks(), &mut |block| {
        if let Block::Dense(dense) = block.block {
            filled.extend(dense.values.chunks_exact(dense.columns).map(|row| row.iter().any(|a| *a != 0.0)));
        }
        Ok(())
    })?;
    Ok(filled)
}

impl MatrixRows<'_> {
    fn source(&self) -> &dyn RowSource {
        match self {
            MatrixRows::Dense(rows) => rows,
            MatrixRows::Csr(rows) => rows,
            MatrixRows::Streamed(rows) => rows.0,
        }
    }
}

impl RowSource for MatrixRows<'_> {
    fn shape(&self) -> Shape {
        self.source().shape()
    }

    fn rows_per_block(&self) -> usize {
        self.source().rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source().with_block(k, f)
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.source().with_blocks(range, f)
    }

    fn openings(&self) -> Option<usize> {
        self.source().openings()
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        self.source().gather(rows)
    }
}
