//! Dense rows, row-major: a slice in memory or mapped from a file, never copied.

use super::{Block, RowSource, Rows, Shape};
use crate::error::{ErrorKind, Result};
use crate::linalg;

/// Values a block aims at: 512 kB, so that a block and its scaled copy stay in a core's second-level cache.
const BLOCK_VALUES: usize = 65_536;

/// Rows in a block of dense rows.
pub(super) fn rows_per_block(columns: usize) -> usize {
    (BLOCK_VALUES / columns).clamp(64, 1024)
}

/// A borrowed row-major n×d matrix.
///
/// # Examples
/// ```
/// use unhat::rows::{DenseRows, RowSource};
/// let rows = DenseRows::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2)?;
/// assert_eq!((rows.shape().rows, rows.gather(&[2, 0])?), (3, vec![5.0, 6.0, 1.0, 2.0]));
/// assert!(DenseRows::new(&[1.0, 2.0, 3.0], 2).is_err()); // half a row is none
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DenseRows<'a> {
    values: &'a [f64],
    columns: usize,
    rows_per_block: usize,
}

impl<'a> DenseRows<'a> {
    /// Views `values` as rows of `columns` entries.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] when there is no column, no row, or a partial row.
    pub fn new(values: &'a [f64], columns: usize) -> Result<Self> {
        if columns == 0 || values.is_empty() || !values.len().is_multiple_of(columns) {
            return Err(ErrorKind::Shape {
                what: "matrix".into(),
                expected: "at least one row of at least one column, all rows of one length".into(),
                found: format!("{} values in rows of {columns}", values.len()),
            }
            .into());
        }
        Ok(DenseRows { values, columns, rows_per_block: rows_per_block(columns) })
    }

    /// The same rows in blocks of `rows`: smaller ones let more cores share a matrix of few rows.
    pub fn in_blocks_of(self, rows: usize) -> Self {
        DenseRows { rows_per_block: rows.max(1), ..self }
    }

    /// The values, row-major.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }
}

impl RowSource for DenseRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.values.len() / self.columns, columns: self.columns, stored: self.values.len() }
    }

    fn rows_per_block(&self) -> usize {
        self.rows_per_block
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let start = k * self.rows_per_block();
        let end = (start + self.rows_per_block()).min(self.shape().rows);
        let values = &self.values[start * self.columns..end * self.columns];
        f(Rows { start, block: Block::Dense(DenseBlock { values, columns: self.columns }) })
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let d = self.columns;
        Ok(rows.iter().flat_map(|&i| &self.values[i * d..(i + 1) * d]).copied().collect())
    }
}

/// A block of dense rows, row-major.
///
/// # Examples
/// ```
/// use unhat::rows::{Block, DenseBlock};
/// let block = DenseBlock { values: &[1.0, 2.0, 3.0, 4.0], columns: 2 };
/// assert_eq!(block.rows(), 2);
/// let mut sum = [0.0; 2];
/// Block::Dense(block).apply_transpose_add(&[1.0, 10.0], &mut sum);
/// assert_eq!(sum, [31.0, 42.0]); // the first row and ten times the second
/// ```
#[derive(Clone, Copy)]
pub struct DenseBlock<'a> {
    /// The entries, rows × columns, row-major.
    pub values: &'a [f64],
    /// The number d of columns.
    pub columns: usize,
}

impl DenseBlock<'_> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    pub(super) fn apply_into(&self, x: &[f64], y: &mut [f64]) {
        linalg::rows_times_vector(self.values, self.columns, x, y);
    }

    pub(super) fn apply_abs_into(&self, x: &[f64], y: &mut [f64]) {
        for (row, y) in self.values.chunks_exact(self.columns).zip(y) {
            *y = row.iter().zip(x).map(|(a, x)| (a * x).abs()).sum();
        }
    }

    pub(super) fn apply_transpose_add(&self, u: &[f64], out: &mut [f64]) {
        linalg::add_transposed_rows_times_vector(self.values, self.columns, u, out);
    }

    pub(super) fn row_norms_squared_into(&self, y: &mut [f64]) {
        linalg::row_norms_squared(self.values, self.columns, y);
    }
}
