//! One sweep over the rows: a pass is carried over all blocks by all cores, and merged in an order fixed by the data.

use super::portable::Portable;
use super::{RowSource, Rows, Shape};
use crate::error::{Error, ErrorKind, Result};
use crate::run::Run;
use std::ops::Range;

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
        blocks.min(most_stretches(shape))
    }
    /// How other processes carry the pass on; None: it is done here, wherever the rows can be read too.
    fn portable(&self) -> Option<&dyn Portable<Self::Acc>> {
        None
    }
}

/// Into how many stretches rows of this shape are cut at most.
///
/// 64 are enough for 32 cores to share evenly, and more would only add merging. Beyond 2³⁰ entries a stretch keeps to 2²⁴
/// of them (128 MB), so that what one worker holds, and loses when it dies, does not grow with the table.
#[must_use]
pub fn most_stretches(shape: &Shape) -> usize {
    const FEW: usize = 64;
    const ENTRIES: usize = 1 << 24;
    FEW.max((shape.stored / ENTRIES).next_power_of_two())
}

/// Into how many stretches a sweep of `pass` cuts the rows: what several machines may share out.
pub fn stretches_of<P: Pass>(source: &dyn RowSource, pass: &P) -> usize {
    let blocks = source.blocks();
    pass.stretches(&source.shape(), blocks).clamp(1, blocks.max(1))
}

/// The part of a [`sweep`](crate::rows::sweep()) over the stretches `part`.
///
/// Where `part` is a subtree of the tree of merges (2ᵏ stretches from a multiple of 2ᵏ, or what is left of them at the end),
/// its accumulator is the one that the whole sweep has there.
///
/// # Shapes
/// `out`: the rows of the part × `pass.width()` values.
/// # Errors
/// As [`sweep`](crate::rows::sweep()).
pub fn sweep_part<P: Pass>(
    source: &dyn RowSource,
    pass: &P,
    part: Range<usize>,
    out: &mut [f64],
    run: &Run<'_>,
) -> Result<P::Acc> {
    Sweep::of(source, pass, stretches_of(source, pass), run).part(part, out)
}

/// What parts of `size` stretches each, a power of two, add up to: the upper end of the tree.
pub(super) fn merge_parts<P: Pass>(pass: &P, stretches: usize, size: usize, accs: Vec<P::Acc>) -> P::Acc {
    let mut left = accs.into_iter();
    merge_between(pass, stretches.div_ceil(size), &mut left).unwrap_or_else(|| pass.zero())
}

fn merge_between<P: Pass>(pass: &P, count: usize, accs: &mut impl Iterator<Item = P::Acc>) -> Option<P::Acc> {
    if count <= 1 {
        return accs.next();
    }
    let left = merge_between(pass, left_size(count), accs)?;
    Some(pass.merge(left, merge_between(pass, count - left_size(count), accs)?))
}

/// A pass on its way over a source.
pub(super) struct Sweep<'a, P> {
    source: &'a dyn RowSource,
    pass: &'a P,
    run: &'a Run<'a>,
    blocks: usize,
    stretches: usize,
    rows_per_block: usize,
    rows: usize,
    /// The row that the pass calls 0.
    origin: usize,
    /// Stretches that one opening of the source serves at most.
    lane: usize,
}

/// The largest power of two below `size`: where the tree of merges splits.
fn left_size(size: usize) -> usize {
    size.next_power_of_two() / 2
}

impl<'a, P: Pass> Sweep<'a, P> {
    pub fn of(source: &'a dyn RowSource, pass: &'a P, stretches: usize, run: &'a Run<'a>) -> Self {
        let (blocks, rows_per_block, rows) = (source.blocks(), source.rows_per_block(), source.shape().rows);
        Sweep { source, pass, run, blocks, stretches, rows_per_block, rows, origin: 0, lane: 1 }
    }

    /// The same for a pass that knows nothing of the rows before this one.
    pub fn beginning_at(self, origin: usize) -> Self {
        Sweep { origin, ..self }
    }

    /// The rows of some stretches.
    pub fn rows_of(&self, part: &Range<usize>) -> Range<usize> {
        self.first_row(self.first_block(part.start))..self.first_row(self.first_block(part.end))
    }

    pub fn part(mut self, part: Range<usize>, out: &mut [f64]) -> Result<P::Acc> {
        self.lane = self.source.openings().map_or(1, |openings| part.len().div_ceil(openings.max(1)));
        debug_assert_eq!(out.len(), self.rows_of(&part).len() * self.pass.width());
        match part.len() <= self.lane {
            true => self.in_order(part, out), // nothing to share: no need to wake a thread
            false => self.run.install(|| self.over(part, out)),
        }
    }

    fn first_block(&self, stretch: usize) -> usize {
        (stretch as u128 * self.blocks as u128 / self.stretches as u128) as usize
    }

    fn first_row(&self, block: usize) -> usize {
        (block * self.rows_per_block).min(self.rows)
    }

    /// The stretches of `part`, its two halves side by side.
    fn over(&self, part: Range<usize>, out: &mut [f64]) -> Result<P::Acc> {
        if part.len() <= self.lane {
            return self.in_order(part, out);
        }
        let middle = part.start + left_size(part.len());
        let (left_out, right_out) = out.split_at_mut(self.rows_of(&(part.start..middle)).len() * self.pass.width());
        let (left, right) =
            rayon::join(|| self.over(part.start..middle, left_out), || self.over(middle..part.end, right_out));
        Ok(self.pass.merge(left?, right?))
    }

    /// The stretches of `part` one after the other, the source opened once.
    fn in_order(&self, part: Range<usize>, out: &mut [f64]) -> Result<P::Acc> {
        let mut merged = Subtrees { pass: self.pass, done: Vec::new() };
        let (mut stretch, mut acc) = (part.start, self.pass.zero());
        let blocks = self.first_block(part.start)..self.first_block(part.end);
        let (mut next, mut rest) = (blocks.start, out);
        self.source.with_blocks(blocks.clone(), &mut |rows| {
            self.run.check()?;
            let (start, end) = (self.first_row(next), self.first_row(next + 1));
            if rows.range() != (start..end) || next == blocks.end {
                return Err(self.other_rows(start..end, &format!("rows {} to {}", rows.start, rows.range().end)));
            }
            if next == self.first_block(stretch + 1) {
                merged.push(std::mem::replace(&mut acc, self.pass.zero()));
                stretch += 1;
            }
            let (head, tail) = std::mem::take(&mut rest).split_at_mut((end - start) * self.pass.width());
            (next, rest) = (next + 1, tail);
            self.pass.add(&mut acc, &Rows { start: start - self.origin, ..rows }, head)
        })?;
        if next < blocks.end {
            return Err(self.other_rows(self.first_row(next)..self.first_row(next + 1), "no more rows"));
        }
        merged.push(acc);
        merged.join().ok_or_else(|| ErrorKind::Numerical { reason: "a sweep over no stretch".into() }.into())
    }

    /// The source does not lend what its shape says: its file has changed, or it is wrong.
    fn other_rows(&self, expected: Range<usize>, found: &str) -> Error {
        let expected = format!("rows {} to {} of {}", expected.start, expected.end, self.rows);
        ErrorKind::Shape { what: "a source of rows".into(), expected, found: found.into() }.into()
    }
}

/// What has been merged so far, as a binary counter carries: subtrees of falling sizes, all powers of two.
struct Subtrees<'a, P: Pass> {
    pass: &'a P,
    done: Vec<(usize, P::Acc)>,
}

impl<P: Pass> Subtrees<'_, P> {
    /// The next stretch.
    fn push(&mut self, acc: P::Acc) {
        let mut last = (1, acc);
        while let Some(left) = self.done.pop_if(|left| left.0 == last.0) {
            last = (left.0 + last.0, self.pass.merge(left.1, last.1));
        }
        self.done.push(last);
    }

    /// All of them; None of none.
    fn join(mut self) -> Option<P::Acc> {
        let mut right = self.done.pop()?.1;
        while let Some((_, left)) = self.done.pop() {
            right = self.pass.merge(left, right);
        }
        Some(right)
    }
}
