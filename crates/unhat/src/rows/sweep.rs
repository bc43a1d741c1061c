//! One sweep over the rows: a pass is carried over all blocks by all cores, and merged in an order fixed by the data.

use super::{RowSource, Rows, Shape};
use crate::error::Result;
use crate::run::Run;

/// Something that is computed in one sweep over the rows: an accumulator, and some values for each row.
///
/// A Gram matrix, the scores, a gradient and a Hessian–vector product are passes.
///
/// # Examples
/// ```
/// use unhat::rows::{DenseRows, Pass, Rows, sweep};
/// /// The squared length of every row, and their sum ‖A‖².
/// struct Lengths;
/// impl Pass for Lengths {
///     type Acc = f64;
///     fn zero(&self) -> f64 {
///         0.0
///     }
///     fn add(&self, sum: &mut f64, rows: &Rows<'_>, out: &mut [f64]) -> unhat::Result<()> {
///         rows.block.row_norms_squared_into(out);
///         *sum += out.iter().sum::<f64>();
///         Ok(())
///     }
///     fn merge(&self, left: f64, right: f64) -> f64 {
///         left + right
///     }
///     fn width(&self) -> usize {
///         1
///     }
/// }
/// let mut lengths = [0.0; 2];
/// let a = DenseRows::new(&[3.0, 4.0, 1.0, 0.0], 2)?;
/// assert_eq!(sweep(&a, &Lengths, &mut lengths, &unhat::Run::default())?, 26.0);
/// assert_eq!(lengths, [25.0, 1.0]);
/// # Ok::<(), unhat::Error>(())
/// ```
pub trait Pass: Sync {
    /// What a stretch of rows adds up to.
    type Acc: Send;

    /// The accumulator of no rows.
    fn zero(&self) -> Self::Acc;
    /// Adds a block; `out` holds `width()` values for each of its rows.
    fn add(&self, acc: &mut Self::Acc, rows: &Rows<'_>, out: &mut [f64]) -> Result<()>;
    /// Joins two stretches; `right` follows `left`.
    fn merge(&self, left: Self::Acc, right: Self::Acc) -> Self::Acc;
    /// Values written for each row.
    fn width(&self) -> usize {
        0
    }
    /// Into how many stretches the rows are cut. It may depend on the shape only: it decides the order of additions,
    /// and so the last bits. A pass with a large accumulator asks for few.
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        let _ = shape;
        blocks.min(MAX_STRETCHES)
    }
}

/// Enough for 32 cores to share evenly; more would only add merging.
pub const MAX_STRETCHES: usize = 64;

/// Carries `pass` over all rows of `source` and returns the accumulator; per-row values go into `out`.
///
/// # Shapes
/// `out`: n × `pass.width()` values.
/// # Randomness
/// The same bits for any number of threads: the rows are cut into stretches by their shape, each is added up in order,
/// and the stretches are merged as a balanced binary tree.
/// # Errors
/// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) within a block of the request, and whatever source and pass report.
pub fn sweep<P: Pass>(source: &dyn RowSource, pass: &P, out: &mut [f64], run: &Run<'_>) -> Result<P::Acc> {
    let shape = source.shape();
    debug_assert_eq!(out.len(), shape.rows * pass.width());
    let blocks = source.blocks();
    let stretches = pass.stretches(&shape, blocks).clamp(1, blocks);
    let whole =
        Sweep { source, pass, run, blocks, stretches, rows_per_block: source.rows_per_block(), rows: shape.rows };
    match stretches {
        1 => whole.over(0, 1, out), // nothing to share: no need to wake a thread
        _ => run.install(|| whole.over(0, stretches, out)),
    }
}

struct Sweep<'a, P> {
    source: &'a dyn RowSource,
    pass: &'a P,
    run: &'a Run<'a>,
    blocks: usize,
    stretches: usize,
    rows_per_block: usize,
    rows: usize,
}

impl<P: Pass> Sweep<'_, P> {
    fn first_block(&self, stretch: usize) -> usize {
        (stretch as u128 * self.blocks as u128 / self.stretches as u128) as usize
    }

    fn first_row(&self, block: usize) -> usize {
        (block * self.rows_per_block).min(self.rows)
    }

    fn over(&self, from: usize, to: usize, out: &mut [f64]) -> Result<P::Acc> {
        let start = self.first_block(from);
        if to - from == 1 {
            let mut acc = self.pass.zero();
            let mut rest = out;
            for k in start..self.first_block(to) {
                self.run.check()?;
                let width = (self.first_row(k + 1) - self.first_row(k)) * self.pass.width();
                let (head, tail) = rest.split_at_mut(width);
                self.source.with_block(k, &mut |rows| self.pass.add(&mut acc, &rows, head))?;
                rest = tail;
            }
            return Ok(acc);
        }
        let middle = from + (to - from) / 2;
        let cut = self.first_row(self.first_block(middle)) - self.first_row(start);
        let (left_out, right_out) = out.split_at_mut(cut * self.pass.width());
        let (left, right) = rayon::join(|| self.over(from, middle, left_out), || self.over(middle, to, right_out));
        Ok(self.pass.merge(left?, right?))
    }
}
