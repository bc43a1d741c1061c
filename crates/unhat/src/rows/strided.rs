//! Dense rows in any layout: column-major, every second row, a part of a larger matrix. Blocks are copied, never the whole.

use super::dense::{DenseBlock, rows_per_block};
use super::scratch::with_scratch;
use super::{Block, RowSource, Rows, Shape};
use crate::error::{ErrorKind, Result};

/// A borrowed n×d matrix with entry (i, j) at `values[i·row_stride + j·column_stride]`.
///
/// # Cost
/// Each block is copied into a thread's scratch memory as it is lent, n·d moves a sweep; memory 512 kB a thread. Scores have
/// the bits of the same matrix in row-major order.
/// # Examples
/// ```
/// use unhat::rows::{RowSource, StridedRows};
/// let by_columns = [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]; // the rows (1, 2), (3, 4), (5, 6), column by column
/// assert_eq!(StridedRows::column_major(&by_columns, 2)?.gather(&[1])?, [3.0, 4.0]);
/// let every_second = StridedRows::new(&by_columns, (2, 2), (2, 3))?;
/// assert_eq!(every_second.gather(&[0, 1])?, [1.0, 2.0, 5.0, 6.0]);
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StridedRows<'a> {
    values: &'a [f64],
    shape: (usize, usize),
    strides: (usize, usize),
}

impl<'a> StridedRows<'a> {
    /// Views `values` as `rows` rows of `columns` entries, one row `row_stride` after the other.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] when there is no row or no column, or `values` ends before the last entry.
    pub fn new(
        values: &'a [f64],
        (rows, columns): (usize, usize),
        (row_stride, column_stride): (usize, usize),
    ) -> Result<Self> {
        let last = |count: usize, stride: usize| count.checked_sub(1)?.checked_mul(stride);
        let end = last(rows, row_stride).zip(last(columns, column_stride)).and_then(|(i, j)| i.checked_add(j));
        if end.is_none_or(|end| end >= values.len()) {
            return Err(ErrorKind::Shape {
                what: "matrix".into(),
                expected: "at least one row of at least one column, all of them within its values".into(),
                found: format!(
                    "{rows} rows of {columns} columns at strides {row_stride} and {column_stride} in {} values",
                    values.len()
                ),
            }
            .into());
        }
        Ok(StridedRows { values, shape: (rows, columns), strides: (row_stride, column_stride) })
    }

    /// Views column-major `values`, as Fortran, R and LAPACK keep them, as rows of `columns` entries.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] when there is no row or no column, or a partial column.
    pub fn column_major(values: &'a [f64], columns: usize) -> Result<Self> {
        let rows = if columns > 0 && values.len().is_multiple_of(columns) { values.len() / columns } else { 0 };
        StridedRows::new(values, (rows, columns), (1, rows))
    }
}

impl RowSource for StridedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.shape.0, columns: self.shape.1, stored: self.shape.0 * self.shape.1 }
    }

    fn rows_per_block(&self) -> usize {
        rows_per_block(self.shape.1)
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        lend_copied(self.shape, k, &|i, j| self.values[i * self.strides.0 + j * self.strides.1], f)
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        Ok(gathered(self.shape.1, rows, &|i, j| self.values[i * self.strides.0 + j * self.strides.1]))
    }
}

/// Dense rows that another library's matrix gives entry by entry.
#[cfg(any(feature = "ndarray", feature = "faer"))]
pub(crate) struct Entries<F> {
    pub shape: (usize, usize),
    pub entry: F,
}

#[cfg(any(feature = "ndarray", feature = "faer"))]
impl<F: Fn(usize, usize) -> f64 + Sync> RowSource for Entries<F> {
    fn shape(&self) -> Shape {
        Shape { rows: self.shape.0, columns: self.shape.1, stored: self.shape.0 * self.shape.1 }
    }

    fn rows_per_block(&self) -> usize {
        rows_per_block(self.shape.1)
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        lend_copied(self.shape, k, &self.entry, f)
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        Ok(gathered(self.shape.1, rows, &self.entry))
    }
}

/// Lends block `k` of rows whose entries come one by one: column by column, so that a column-major matrix is read in order.
fn lend_copied(
    (rows, columns): (usize, usize),
    k: usize,
    entry: &impl Fn(usize, usize) -> f64,
    f: &mut dyn FnMut(Rows<'_>) -> Result<()>,
) -> Result<()> {
    let start = k * rows_per_block(columns);
    let end = (start + rows_per_block(columns)).min(rows);
    with_scratch((end - start) * columns, |values| {
        for j in 0..columns {
            (start..end).for_each(|i| values[(i - start) * columns + j] = entry(i, j));
        }
        f(Rows { start, block: Block::Dense(DenseBlock { values, columns }) })
    })
}

fn gathered(columns: usize, rows: &[usize], entry: &impl Fn(usize, usize) -> f64) -> Vec<f64> {
    rows.iter().flat_map(|&i| (0..columns).map(move |j| entry(i, j))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leverage::{ScoreOptions, leverage_scores};
    use crate::rows::DenseRows;
    use crate::run::Run;

    #[test]
    fn a_column_major_matrix_has_the_bits_of_its_row_major_twin() {
        let (n, d) = (3_000, 7); // several blocks
        let by_rows: Vec<f64> = (0..n * d).map(|k| ((k * k) as f64 * 0.1).sin()).collect();
        let by_columns: Vec<f64> =
            (0..d).flat_map(|j| (0..n).map(move |i| (i, j))).map(|(i, j)| by_rows[i * d + j]).collect();
        let scores = |source: &dyn RowSource| {
            leverage_scores(source, None, &ScoreOptions::default(), &Run::default()).unwrap().values
        };
        let strided = StridedRows::column_major(&by_columns, d).unwrap();
        assert_eq!(scores(&strided), scores(&DenseRows::new(&by_rows, d).unwrap()));
        assert_eq!(strided.gather(&[2, 0]).unwrap(), [&by_rows[2 * d..3 * d], &by_rows[..d]].concat());
    }

    #[test]
    fn values_that_end_too_early_are_refused() {
        let values = [1.0; 6];
        assert!(StridedRows::new(&values, (3, 2), (2, 1)).is_ok());
        assert!(StridedRows::new(&values, (3, 2), (3, 1)).is_err());
        assert!(StridedRows::new(&values, (0, 2), (2, 1)).is_err());
        assert!(StridedRows::new(&values, (usize::MAX, 2), (usize::MAX, 1)).is_err());
        assert!(StridedRows::column_major(&values, 4).is_err());
        assert!(StridedRows::column_major(&values, 0).is_err());
    }
}
