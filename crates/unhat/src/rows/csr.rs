//! Sparse rows, compressed (CSR): borrowed slices, cut into blocks by their number of stored entries.

use super::{Block, RowSource, Rows, Shape};
use crate::error::{ErrorKind, Result};

/// Stored entries a block aims at.
const BLOCK_ENTRIES: usize = 65_536;

/// A borrowed n×d matrix in compressed sparse row form, column numbers increasing within each row.
///
/// # Examples
/// ```
/// use unhat::rows::{CsrRows, RowSource};
/// let rows = CsrRows::new(&[0, 2, 3], &[0, 2, 1], &[1.0, 2.0, 3.0], 3)?; // (1, 0, 2) and (0, 3, 0)
/// assert_eq!(rows.gather(&[1, 0])?, [0.0, 3.0, 0.0, 1.0, 0.0, 2.0]);
/// let error = CsrRows::new(&[0, 2, 3], &[2, 0, 1], &[2.0, 1.0, 3.0], 3).unwrap_err(); // column numbers fall
/// assert!(error.to_string().contains("row 1"));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CsrRows<'a> {
    pointers: &'a [usize],
    indices: &'a [u32],
    values: &'a [f64],
    columns: usize,
}

impl<'a> CsrRows<'a> {
    /// Views the three arrays as a matrix with `columns` columns: row i holds entries `pointers[i]..pointers[i+1]`.
    ///
    /// # Cost
    /// One look at every index.
    /// # Errors
    /// [`ErrorKind::Shape`] when the arrays contradict each other: pointers that decrease or end elsewhere, an index
    /// outside the columns, indices of a row that do not strictly increase.
    pub fn new(pointers: &'a [usize], indices: &'a [u32], values: &'a [f64], columns: usize) -> Result<Self> {
        let fail = |what: &str, expected: String, found: String| {
            Err(ErrorKind::Shape { what: format!("sparse matrix: {what}"), expected, found }.into())
        };
        if pointers.len() < 2 || columns == 0 {
            return fail(
                "size",
                "at least one row and one column".into(),
                format!("{} pointers, {columns} columns", pointers.len()),
            );
        }
        if indices.len() != values.len() {
            return fail("arrays", format!("{} values, one for each index", indices.len()), values.len().to_string());
        }
        if pointers[0] != 0 || pointers[pointers.len() - 1] != indices.len() {
            return fail(
                "row pointers",
                format!("from 0 to {}, the number of entries", indices.len()),
                format!("from {} to {}", pointers[0], pointers[pointers.len() - 1]),
            );
        }
        if let Some(i) = pointers.windows(2).position(|p| p[0] > p[1] || p[1] > indices.len()) {
            return fail("row pointers", "not to decrease".into(), format!("a decrease at row {}", i + 1));
        }
        for (i, p) in pointers.windows(2).enumerate() {
            let row = &indices[p[0]..p[1]];
            if row.last().is_some_and(|&j| j as usize >= columns) || !row.windows(2).all(|w| w[0] < w[1]) {
                return fail(
                    "column indices",
                    format!("strictly increasing and below {columns}"),
                    format!("otherwise in row {}", i + 1),
                );
            }
        }
        Ok(CsrRows { pointers, indices, values, columns })
    }
}

impl RowSource for CsrRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.pointers.len() - 1, columns: self.columns, stored: self.values.len() }
    }

    fn rows_per_block(&self) -> usize {
        let per_row = (self.values.len() / (self.pointers.len() - 1)).max(1);
        (BLOCK_ENTRIES / per_row).clamp(64, 16_384)
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        let start = k * self.rows_per_block();
        let end = (start + self.rows_per_block()).min(self.shape().rows);
        let pointers = &self.pointers[start..=end];
        f(Rows {
            start,
            block: Block::Csr(CsrBlock { pointers, indices: self.indices, values: self.values, columns: self.columns }),
        })
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        let mut out = vec![0.0; rows.len() * self.columns];
        for (&i, out) in rows.iter().zip(out.chunks_exact_mut(self.columns)) {
            for k in self.pointers[i]..self.pointers[i + 1] {
                out[self.indices[k] as usize] = self.values[k];
            }
        }
        Ok(out)
    }
}

/// A block of sparse rows. The pointers are positions in `indices` and `values`, which may hold other rows too.
///
/// # Examples
/// ```
/// use unhat::rows::CsrBlock;
/// // The rows (0, 5) and (7, 0), the second and third of a matrix: its first entry, 9, is not theirs.
/// let block = CsrBlock { pointers: &[1, 2, 3], indices: &[0, 1, 0], values: &[9.0, 5.0, 7.0], columns: 2 };
/// assert_eq!((block.rows(), block.stored()), (2, 2));
/// assert_eq!(block.row(1), (&[0][..], &[7.0][..]));
/// ```
#[derive(Clone, Copy)]
pub struct CsrBlock<'a> {
    /// One more than there are rows.
    pub pointers: &'a [usize],
    /// Column numbers, increasing within a row.
    pub indices: &'a [u32],
    /// Values beside the indices.
    pub values: &'a [f64],
    /// The number d of columns.
    pub columns: usize,
}

impl<'a> CsrBlock<'a> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.pointers.len() - 1
    }

    /// Column numbers and values of row i of the block.
    pub fn row(&self, i: usize) -> (&'a [u32], &'a [f64]) {
        let range = self.pointers[i]..self.pointers[i + 1];
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Stored entries of the block.
    pub fn stored(&self) -> usize {
        self.pointers[self.pointers.len() - 1] - self.pointers[0]
    }

    pub(super) fn apply_into(&self, x: &[f64], y: &mut [f64]) {
        for (i, y) in y.iter_mut().enumerate() {
            let (indices, values) = self.row(i);
            *y = indices.iter().zip(values).map(|(&j, a)| a * x[j as usize]).sum();
        }
    }

    pub(super) fn apply_abs_into(&self, x: &[f64], y: &mut [f64]) {
        for (i, y) in y.iter_mut().enumerate() {
            let (indices, values) = self.row(i);
            *y = indices.iter().zip(values).map(|(&j, a)| (a * x[j as usize]).abs()).sum();
        }
    }

    pub(super) fn apply_transpose_add(&self, u: &[f64], out: &mut [f64]) {
        for (i, u) in u.iter().enumerate() {
            let (indices, values) = self.row(i);
            for (&j, a) in indices.iter().zip(values) {
                out[j as usize] += a * u;
            }
        }
    }

    pub(super) fn row_norms_squared_into(&self, y: &mut [f64]) {
        for (i, y) in y.iter_mut().enumerate() {
            *y = self.row(i).1.iter().map(|a| a * a).sum();
        }
    }

    pub(super) fn densify_into(&self, range: std::ops::Range<usize>, out: &mut [f64]) {
        out.fill(0.0);
        for (i, out) in range.zip(out.chunks_exact_mut(self.columns)) {
            let (indices, values) = self.row(i);
            for (&j, &a) in indices.iter().zip(values) {
                out[j as usize] = a;
            }
        }
    }
}
