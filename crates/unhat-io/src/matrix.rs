//! A matrix from a file of any format, and the rows it lends.

use crate::npy::DenseValues;
use crate::sparse::Csr;
use crate::table::OmittedRow;
use unhat::Result;
use unhat::rows::{CsrRows, DenseRows, RowSource, Rows, Shape};

/// A matrix read from a file: dense in memory, dense in the mapped file, or sparse.
pub struct Matrix {
    pub(crate) storage: Storage,
    /// The names of the rows, where a table has them.
    pub row_names: Option<Vec<String>>,
    /// The names of the columns, where a table has a header.
    pub column_names: Option<Vec<String>>,
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
}

impl Matrix {
    /// A matrix without names or notes.
    pub(crate) fn new(storage: Storage) -> Self {
        Matrix { storage, row_names: None, column_names: None, omitted: Vec::new(), notes: Vec::new() }
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
        })
    }

    /// The matrix with its columns as rows; the names change sides.
    ///
    /// # Cost
    /// A copy: 8nd bytes for dense, 12 nnz + 8(n + d) bytes for sparse matrices.
    #[must_use]
    pub fn transposed(self) -> Matrix {
        let storage = match self.storage {
            Storage::Dense { values, columns } => {
                let values = values.as_slice();
                let rows = values.len() / columns;
                let column = |j: usize| values.iter().skip(j).step_by(columns).copied();
                Storage::Dense { values: DenseValues::Owned((0..columns).flat_map(column).collect()), columns: rows }
            }
            Storage::Sparse(csr) => Storage::Sparse(csr.transposed()),
        };
        let Matrix { row_names, column_names, notes, .. } = self;
        Matrix { storage, row_names: column_names, column_names: row_names, omitted: Vec::new(), notes }
    }

    /// n, d and the number of stored entries.
    pub fn shape(&self) -> Shape {
        match &self.storage {
            Storage::Dense { values, columns } => {
                let stored = values.as_slice().len();
                Shape { rows: stored / columns, columns: *columns, stored }
            }
            Storage::Sparse(csr) => csr.shape(),
        }
    }
}

impl MatrixRows<'_> {
    fn source(&self) -> &dyn RowSource {
        match self {
            MatrixRows::Dense(rows) => rows,
            MatrixRows::Csr(rows) => rows,
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

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        self.source().gather(rows)
    }
}
