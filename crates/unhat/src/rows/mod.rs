//! Where rows come from: sources that lend blocks of rows, and the sweep that carries a computation over all of them.

mod compressed;
mod csr;
mod dense;
mod elsewhere;
mod in_order;
mod matrix;
mod plain;
mod portable;
mod scaled;
mod scratch;
mod strided;
mod sweep;
mod turned;
mod wire;

pub(crate) use compressed::CompressedRows;
pub use csr::{CsrBlock, CsrRows};
pub use dense::{DenseBlock, DenseRows};
pub(crate) use elsewhere::Unit;
pub use elsewhere::sweep;
pub use in_order::each_block;
pub(crate) use in_order::each_block_while;
pub use matrix::Matrix;
pub(crate) use plain::{product, row_norms};
pub use portable::{Elsewhere, Portable};
pub(crate) use portable::{other, packs_number, packs_numbers};
pub(crate) use scaled::{
    Extent, ScaledRows, answer_extent, column_exponents, is_plain, require_plain_columns, row_exponents, square_fits,
};
pub use scratch::{lend, touched_zeros, with_scratch};
pub use strided::StridedRows;
pub use sweep::{Pass, most_stretches, stretches_of, sweep_part};
pub(crate) use turned::Turned;
pub use wire::{Reader, Writer};

use crate::error::{ErrorKind, Result};
use crate::run::Run;
use std::ops::Range;

/// Size of a matrix of rows.
///
/// # Examples
/// ```
/// use unhat::rows::{CsrRows, DenseRows, RowSource, Shape};
/// let dense = DenseRows::new(&[1.0, 0.0, 0.0, 2.0, 0.0, 3.0], 2)?;
/// assert_eq!(dense.shape(), Shape { rows: 3, columns: 2, stored: 6 });
/// let sparse = CsrRows::new(&[0, 1, 2, 3], &[0, 1, 1], &[1.0, 2.0, 3.0], 2)?; // the same matrix
/// assert_eq!(sparse.shape(), Shape { stored: 3, ..dense.shape() });
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The number n of rows.
    pub rows: usize,
    /// The number d of columns.
    pub columns: usize,
    /// Stored entries: n·d for dense rows, nnz for sparse ones.
    pub stored: usize,
}

/// A source of rows: lends them in blocks whose boundaries depend on the shape of the data alone.
///
/// Block k holds rows `k·rows_per_block() ..`, the last block fewer.
///
/// # Examples
/// ```
/// use unhat::leverage::{ScoreOptions, leverage_scores};
/// use unhat::rows::{Block, DenseBlock, RowSource, Rows, Shape};
/// use unhat::{Result, Run};
/// /// The rows (1, i) for i = 0 .. n, made when they are asked for: no memory holds them all.
/// struct Line(usize);
/// impl RowSource for Line {
///     fn shape(&self) -> Shape {
///         Shape { rows: self.0, columns: 2, stored: 2 * self.0 }
///     }
///     fn rows_per_block(&self) -> usize {
///         64
///     }
///     fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
///         let rows: Vec<usize> = (64 * k..self.0.min(64 * (k + 1))).collect();
///         f(Rows { start: 64 * k, block: Block::Dense(DenseBlock { values: &self.gather(&rows)?, columns: 2 }) })
///     }
///     fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
///         Ok(rows.iter().flat_map(|&i| [1.0, i as f64]).collect())
///     }
/// }
/// let scores = leverage_scores(&Line(100), None, &ScoreOptions::default(), &Run::default())?.values;
/// assert!((scores[0] - 398.0 / 10_100.0).abs() < 1e-14); // (4n − 2)/(n(n + 1)), the end of a line
/// # Ok::<(), unhat::Error>(())
/// ```
pub trait RowSource: Sync {
    /// The numbers of rows, of columns and of stored entries.
    fn shape(&self) -> Shape;
    /// Rows in every block but the last.
    fn rows_per_block(&self) -> usize;
    /// Lends block `k` to `f`. A source that reads from elsewhere fills a buffer of its own first.
    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()>;
    /// Lends the blocks of `range` in order, each once. A source that is read front to back opens once for the whole range.
    ///
    /// A source over another one hands the range on, and changes each block on its way.
    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        range.into_iter().try_for_each(|k| self.with_block(k, f))
    }
    /// How many ranges a sweep may open in all, where an opening costs something; None: any number, as in memory.
    ///
    /// It changes how the work is shared out and never a bit of what comes of it.
    fn openings(&self) -> Option<usize> {
        None
    }
    /// Other processes that can read the same rows; None: this one alone.
    fn elsewhere(&self) -> Option<&dyn Elsewhere> {
        None
    }
    /// Copies the named rows, dense and row-major, for coresets.
    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>>;

    /// Number of blocks.
    fn blocks(&self) -> usize {
        self.shape().rows.div_ceil(self.rows_per_block())
    }
}

/// Consecutive rows of a source.
///
/// # Examples
/// ```
/// use unhat::rows::{DenseRows, RowSource};
/// let values: Vec<f64> = (0..70).map(f64::from).collect();
/// let source = DenseRows::new(&values, 1)?.in_blocks_of(32);
/// assert_eq!(source.blocks(), 3);
/// source.with_block(2, &mut |rows| {
///     assert_eq!((rows.range(), rows.block.rows()), (64..70, 6)); // the last block is shorter
///     Ok(())
/// })?;
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Number of the first row.
    pub start: usize,
    /// The rows themselves.
    pub block: Block<'a>,
}

impl<'a> Rows<'a> {
    /// The row numbers.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.block.rows()
    }

    /// The rows of a source that lends sparse ones only.
    pub(crate) fn sparse(&self) -> Result<CsrBlock<'a>> {
        match self.block {
            Block::Csr(block) => Ok(block),
            Block::Dense(_) => {
                Err(ErrorKind::Numerical { reason: "a source of sparse rows lent dense ones".into() }.into())
            }
        }
    }
}

/// A block of rows as plain slices.
///
/// # Examples
/// ```
/// use unhat::rows::{Block, CsrBlock, DenseBlock};
/// let dense = Block::Dense(DenseBlock { values: &[3.0, 4.0, 0.0, 2.0], columns: 2 });
/// let (pointers, indices, values) = (&[0, 2, 3], &[0, 1, 1], &[3.0, 4.0, 2.0]);
/// let sparse = Block::Csr(CsrBlock { pointers, indices, values, columns: 2 }); // the same rows
/// for block in [dense, sparse] {
///     let (mut image, mut norms) = ([0.0; 2], [0.0; 2]);
///     block.apply_into(&[1.0, -1.0], &mut image);
///     block.row_norms_into(&mut norms);
///     assert_eq!((image, norms), ([-1.0, -2.0], [5.0, 2.0]));
/// }
/// ```
#[derive(Clone, Copy)]
pub enum Block<'a> {
    /// All entries, row-major.
    Dense(DenseBlock<'a>),
    /// Compressed sparse rows.
    Csr(CsrBlock<'a>),
}

impl Block<'_> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Block::Dense(b) => b.rows(),
            Block::Csr(b) => b.rows(),
        }
    }

    /// y = A x.
    pub fn apply_into(&self, x: &[f64], y: &mut [f64]) {
        match self {
            Block::Dense(b) => b.apply_into(x, y),
            Block::Csr(b) => b.apply_into(x, y),
        }
    }

    /// y = |A| |x|, the size of the rounding errors of A x.
    pub fn apply_abs_into(&self, x: &[f64], y: &mut [f64]) {
        match self {
            Block::Dense(b) => b.apply_abs_into(x, y),
            Block::Csr(b) => b.apply_abs_into(x, y),
        }
    }

    /// out += Aᵀ u.
    pub fn apply_transpose_add(&self, u: &[f64], out: &mut [f64]) {
        match self {
            Block::Dense(b) => b.apply_transpose_add(u, out),
            Block::Csr(b) => b.apply_transpose_add(u, out),
        }
    }

    /// y = ‖aᵢ‖².
    pub fn row_norms_squared_into(&self, y: &mut [f64]) {
        match self {
            Block::Dense(b) => b.row_norms_squared_into(y),
            Block::Csr(b) => b.row_norms_squared_into(y),
        }
    }

    /// y = ‖aᵢ‖, where the squares of the entries under- or overflow too.
    pub fn row_norms_into(&self, y: &mut [f64]) {
        /// Squares beyond these have lost digits on the way, or may have.
        const SAFE: Range<f64> = 1e-280..1e280;
        self.row_norms_squared_into(y);
        for (i, y) in y.iter_mut().enumerate() {
            *y = match *y {
                square if SAFE.contains(&square) => square.sqrt(),
                _ => self.scaled_norm(i),
            };
        }
    }

    /// ‖aᵢ‖ from entries that were scaled by a power of two.
    fn scaled_norm(&self, row: usize) -> f64 {
        let values = match self {
            Block::Dense(b) => &b.values[row * b.columns..(row + 1) * b.columns],
            Block::Csr(b) => b.row(row).1,
        };
        let largest = values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        if largest == 0.0 || !values.iter().all(|v| v.is_finite()) {
            return values.iter().map(|v| v.abs()).sum();
        }
        let e = libm::ilogb(largest);
        libm::ldexp(values.iter().map(|v| libm::ldexp(*v, -e).powi(2)).sum::<f64>().sqrt(), e)
    }

    /// The rows `range`, dense and row-major, into `out`.
    pub fn densify_into(&self, range: Range<usize>, out: &mut [f64]) {
        match self {
            Block::Dense(b) => out.copy_from_slice(&b.values[range.start * b.columns..range.end * b.columns]),
            Block::Csr(b) => b.densify_into(range, out),
        }
    }

    /// The first entry that is not finite, as (row within the block, column, value).
    pub fn first_not_finite(&self) -> Option<(usize, usize, f64)> {
        match self {
            Block::Dense(b) => {
                let k = b.values.iter().position(|v| !v.is_finite())?;
                Some((k / b.columns, k % b.columns, b.values[k]))
            }
            Block::Csr(b) => (0..b.rows()).find_map(|i| {
                let (indices, values) = b.row(i);
                let k = values.iter().position(|v| !v.is_finite())?;
                Some((i, indices[k] as usize, values[k]))
            }),
        }
    }
}

/// An error naming the first entry that is NaN or infinite, or Ok if there is none.
///
/// # Cost
/// One sweep over the stored entries.
pub fn require_finite(source: &dyn RowSource, what: &str) -> Result<()> {
    each_block(source, &Run::default(), &mut |rows| match rows.block.first_not_finite() {
        None => Ok(()),
        Some((i, column, found)) => {
            Err(ErrorKind::NotFinite { what: what.to_string(), row: rows.start + i, column: Some(column), found }
                .into())
        }
    })
}

/// An error naming the first entry of a vector that is NaN or infinite, or whose length is wrong.
pub fn require_vector(what: &str, v: &[f64], length: usize) -> Result<()> {
    if v.len() != length {
        return Err(ErrorKind::Shape {
            what: what.to_string(),
            expected: format!("{length} values"),
            found: format!("{} values", v.len()),
        }
        .into());
    }
    match v.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(row) => Err(ErrorKind::NotFinite { what: what.to_string(), row, column: None, found: v[row] }.into()),
    }
}
