//! M = Σ wᵢ aᵢaᵢᵀ in one sweep: dense rows by blocks of matrix products, sparse rows by pairs of entries.

use crate::error::{ErrorKind, Result};
use crate::linalg;
use crate::memory::require_memory;
use crate::rows::{
    Block, CsrBlock, Pass, Portable, Reader, RowSource, Rows, Shape, Unit, Writer, most_stretches, packs_numbers,
    sweep, with_scratch,
};
use crate::run::Run;
use std::ops::Range;

/// Sparse rows are treated pair by pair while they hold less than this share of the columns; above it, blocks of them
/// are written out densely, where a product runs near the peak of the machine (pairs reach about a tenth of it).
pub(crate) const PAIRS_BELOW_SHARE: f64 = 0.2;

/// Memory that d×d matrices may take; beyond it the dense factorisation of M is out of reach anyway (d³ flops).
const SQUARE_BYTES_LIMIT: u64 = 8 << 30;

/// Whether the rows of this shape are handled by pairs of entries.
pub fn prefers_pairs(shape: &Shape) -> bool {
    (shape.stored as f64) < PAIRS_BELOW_SHARE * shape.rows as f64 * shape.columns as f64
}

/// Squares that stand in memory at once while M is factored: the sum, its factor, and one that is merged or inverted.
const SQUARES_AT_ONCE: u64 = 3;

/// An error if a d×d matrix would not fit, or the few that are needed together are more than the process may take.
pub(crate) fn require_square_fits(d: usize) -> Result<()> {
    let bytes = (d as u64).saturating_mul(d as u64).saturating_mul(8);
    require_memory(&format!("the Gram matrix of {d} columns and its factor"), bytes.saturating_mul(SQUARES_AT_ONCE))?;
    if bytes > SQUARE_BYTES_LIMIT {
        return Err(ErrorKind::TooLarge {
            what: format!("the Gram matrix of {d} columns"),
            bytes,
            limit: SQUARE_BYTES_LIMIT,
        }
        .into());
    }
    Ok(())
}

/// How many stretches a pass with a d×d accumulator asks for: each must add several times what its merging costs.
pub fn gram_stretches(shape: &Shape, blocks: usize) -> usize {
    let (n, d, stored) = (shape.rows as f64, shape.columns as f64, shape.stored as f64);
    let products = if prefers_pairs(shape) { 0.5 * stored * (stored / n) } else { n * d * d };
    blocks.min(most_stretches(shape)).min((products / (4.0 * d * d)) as usize).max(1)
}

/// A column change applied to rows on their way into a kernel: A′ᵢⱼ = rᵢ·(Aᵢⱼ − μⱼ), and then L⁻¹ from the left.
///
/// Scores do not change under it; the condition of what is factored does.
#[derive(Clone, Copy, Default)]
pub struct Transform<'a> {
    /// r, one a row; None: ones.
    pub row_scale: Option<&'a [f64]>,
    /// μ, one a column; None: zeros. The entry of a constant column is 0 so that it stays.
    pub shift: Option<&'a [f64]>,
    /// L; None: the identity.
    pub lower: Option<&'a [f64]>,
}

/// Cuts a block into dense row-major chunks, transformed, in a thread's scratch memory.
pub struct Chunks<'a> {
    /// What is done to each row.
    pub transform: Transform<'a>,
    /// The number d of columns.
    pub columns: usize,
}

impl Chunks<'_> {
    /// Calls `f(rows within the block, their transformed values)` chunk by chunk.
    pub fn each(&self, rows: &Rows<'_>, mut f: impl FnMut(Range<usize>, &mut [f64])) {
        let d = self.columns;
        let n = rows.block.rows();
        let chunk = match rows.block {
            Block::Dense(_) => n,
            Block::Csr(_) => (65_536 / d).clamp(16, 1024).min(n),
        };
        with_scratch(chunk * d, |scratch| {
            for start in (0..n).step_by(chunk.max(1)) {
                let range = start..(start + chunk).min(n);
                let values = &mut scratch[..range.len() * d];
                self.prepare(rows, range.clone(), values);
                f(range, values);
            }
        })
    }

    fn prepare(&self, rows: &Rows<'_>, range: Range<usize>, out: &mut [f64]) {
        let d = self.columns;
        let scale = |i: usize| self.transform.row_scale.map_or(1.0, |r| r[rows.start + range.start + i]);
        match (self.transform.shift, rows.block) {
            (None, Block::Dense(b)) => {
                linalg::scale_rows_into(&b.values[range.start * d..range.end * d], d, scale, out);
            }
            (shift, block) => {
                block.densify_into(range.clone(), out);
                for (i, row) in out.chunks_exact_mut(d).enumerate() {
                    let r = scale(i);
                    match shift {
                        Some(mean) => row.iter_mut().zip(mean).for_each(|(a, m)| *a = r * (*a - m)),
                        None => row.iter_mut().for_each(|a| *a *= r),
                    }
                }
            }
        }
        if let Some(l) = self.transform.lower {
            linalg::solve_lower_rows(l, d, out);
        }
    }
}

/// lower(gram) += Σ weight(i) aᵢaᵢᵀ over the rows of a block; weights may have any sign.
pub fn add_weighted_gram(block: &Block<'_>, d: usize, weight: impl Fn(usize) -> f64, gram: &mut [f64]) {
    match block {
        Block::Csr(b) if (b.stored() as f64) < PAIRS_BELOW_SHARE * (b.rows() * d) as f64 => {
            add_gram_by_pairs(b, d, weight, gram)
        }
        Block::Dense(b) => with_scratch(b.values.len(), |scaled| {
            linalg::scale_rows_into(b.values, d, weight, scaled);
            linalg::add_gram(b.values, scaled, d, gram);
        }),
        Block::Csr(_) => Chunks { transform: Transform::default(), columns: d }.each(
            &Rows { start: 0, block: *block },
            |range, values| {
                with_scratch(values.len(), |scaled| {
                    linalg::scale_rows_into(values, d, |i| weight(range.start + i), scaled);
                    linalg::add_gram(values, scaled, d, gram);
                })
            },
        ),
    }
}

/// Beyond this many columns a d×d sum does not stay in a core's second-level cache, but each of its columns does.
const COLUMNS_IN_CACHE: usize = 360;
/// Entries a column that a block must have on average, so that taking column after column pays.
const ENTRIES_A_COLUMN: usize = 4;

/// Every pair of entries of a row meets once: nnz(aᵢ)²/2 products a row, whatever d is.
///
/// Where the sum is too large for a cache, column after column of it: each entry still gets its products in the order of the
/// rows, so that the bits are those of row after row.
fn add_gram_by_pairs(block: &CsrBlock<'_>, d: usize, weight: impl Fn(usize) -> f64, gram: &mut [f64]) {
    if d > COLUMNS_IN_CACHE && block.stored() >= ENTRIES_A_COLUMN * d {
        return add_gram_column_by_column(block, d, weight, gram);
    }
    for i in 0..block.rows() {
        let (indices, values) = block.row(i);
        let w = weight(i);
        for (p, (&j, a)) in indices.iter().zip(values).enumerate() {
            let column = &mut gram[j as usize * d..(j as usize + 1) * d];
            let wa = w * a;
            for (&k, b) in indices[p..].iter().zip(&values[p..]) {
                column[k as usize] += wa * b;
            }
        }
    }
}

fn add_gram_column_by_column(block: &CsrBlock<'_>, d: usize, weight: impl Fn(usize) -> f64, gram: &mut [f64]) {
    // Where each column's entries begin in the list of entries by columns.
    let mut first = vec![0usize; d + 1];
    let entries = || (0..block.rows()).flat_map(|i| block.row(i).0);
    entries().for_each(|&j| first[j as usize + 1] += 1);
    (0..d).for_each(|j| first[j + 1] += first[j]);
    let mut next = first.clone();
    let mut by_column = vec![(0u32, 0u32, 0.0); first[d]]; // row, place in the row, weight times value
    for i in 0..block.rows() {
        let (indices, values) = block.row(i);
        let w = weight(i);
        for (p, (&j, a)) in indices.iter().zip(values).enumerate() {
            by_column[next[j as usize]] = (i as u32, p as u32, w * a);
            next[j as usize] += 1;
        }
    }
    for (column, range) in gram.chunks_exact_mut(d).zip(first.windows(2)) {
        for &(i, p, wa) in &by_column[range[0]..range[1]] {
            let (indices, values) = block.row(i as usize);
            for (&k, b) in indices[p as usize..].iter().zip(&values[p as usize..]) {
                column[k as usize] += wa * b;
            }
        }
    }
}

/// A d×d sum over blocks, lower triangle: the pass behind every weighted Gram matrix.
struct GramSum<F> {
    columns: usize,
    add: F,
}

impl<F: Fn(&Rows<'_>, &mut [f64]) + Sync> Pass for GramSum<F> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.columns * self.columns]
    }
    fn add(&self, gram: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        (self.add)(rows, gram);
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}

/// What `add` adds up to over all blocks: d×d, lower triangle, column-major.
pub(crate) fn gram_sum(
    source: &dyn RowSource,
    add: impl Fn(&Rows<'_>, &mut [f64]) + Sync,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let columns = source.shape().columns;
    require_square_fits(columns)?;
    sweep(source, &GramSum { columns, add }, &mut [], run)
}

/// M = Σ weight(i) aᵢaᵢᵀ (weight 1 where None), lower triangle, column-major d×d.
///
/// # Cost
/// One sweep; n·d² flops for dense rows, Σ nnz(aᵢ)² for sparse ones.
pub fn weighted_gram(
    source: &dyn RowSource,
    weight: Option<&(dyn Fn(usize) -> f64 + Sync)>,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let columns = source.shape().columns;
    require_square_fits(columns)?;
    sweep(source, &WeightedGram { columns, weight }, &mut [], run)
}

/// Σ a′ᵢa′ᵢᵀ of rows under a transform, lower triangle, column-major d×d.
///
/// # Cost
/// As [`weighted_gram`]; sparse rows are written out, chunk by chunk, where the transform shifts or whitens them.
pub(crate) fn transformed_gram(source: &dyn RowSource, transform: Transform<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    if transform.shift.is_none() && transform.lower.is_none() {
        let square = transform.row_scale.map(|r| move |i: usize| r[i] * r[i]);
        return weighted_gram(source, square.as_ref().map(|w| w as &(dyn Fn(usize) -> f64 + Sync)), run);
    }
    let columns = source.shape().columns;
    require_square_fits(columns)?;
    sweep(source, &WhitenedGram { chunks: Chunks { transform, columns } }, &mut [], run)
}

/// The rows under a transform themselves, n×d row-major: for the few rows of a sample.
pub(crate) fn transformed_rows(source: &dyn RowSource, transform: Transform<'_>, run: &Run<'_>) -> Result<Vec<f64>> {
    let Shape { rows, columns, .. } = source.shape();
    let mut out = vec![0.0; rows * columns];
    sweep(source, &TransformedRows(Chunks { transform, columns }), &mut out, run)?;
    Ok(out)
}

struct TransformedRows<'a>(Chunks<'a>);

impl Pass for TransformedRows<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let d = self.0.columns;
        self.0.each(rows, |range, u| out[range.start * d..range.end * d].copy_from_slice(u));
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        self.0.columns
    }
}

struct WeightedGram<'a> {
    columns: usize,
    weight: Option<&'a (dyn Fn(usize) -> f64 + Sync)>,
}

impl Pass for WeightedGram<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.columns * self.columns]
    }
    fn add(&self, gram: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.columns;
        match (self.weight, rows.block) {
            (None, Block::Dense(b)) => linalg::add_gram(b.values, b.values, d, gram), // nothing to scale
            (None, _) => add_weighted_gram(&rows.block, d, |_| 1.0, gram),
            (Some(weight), _) => add_weighted_gram(&rows.block, d, |i| weight(rows.start + i), gram),
        }
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
    fn portable(&self) -> Option<&dyn Portable<Vec<f64>>> {
        Some(self)
    }
}

impl Portable<Vec<f64>> for WeightedGram<'_> {
    fn name(&self) -> &'static str {
        "gram"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        let weights: Option<Vec<f64>> = self.weight.map(|weight| rows.map(weight).collect());
        to.optional(weights.as_deref());
    }
    packs_numbers!();
}

/// A Gram matrix of a unit of rows, for another process.
pub(crate) fn answer_gram(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let weights = unit.from.optional()?;
    let weight = weights.as_ref().map(|weights| |i: usize| weights[i]);
    let columns = unit.columns;
    unit.answer(&WeightedGram { columns, weight: weight.as_ref().map(|w| w as &(dyn Fn(usize) -> f64 + Sync)) })
}

/// The same of transformed rows.
pub(crate) fn answer_whitened_gram(mut unit: Unit<'_>) -> Result<Vec<u8>> {
    let transform = OwnTransform::read(&mut unit.from)?;
    let chunks = Chunks { transform: transform.lent(), columns: unit.columns };
    unit.answer(&WhitenedGram { chunks })
}

impl Portable<Vec<f64>> for WhitenedGram<'_> {
    fn name(&self) -> &'static str {
        "whitened gram"
    }
    fn write(&self, rows: Range<usize>, to: &mut Writer) {
        self.chunks.transform.write(rows, to);
    }
    packs_numbers!();
}

impl Transform<'_> {
    /// What another process needs for these rows.
    pub(crate) fn write(&self, rows: Range<usize>, to: &mut Writer) {
        to.optional(self.row_scale.map(|r| &r[rows]));
        to.optional(self.shift);
        to.optional(self.lower);
    }
}

/// A transform that came from another process.
pub(crate) struct OwnTransform {
    row_scale: Option<Vec<f64>>,
    shift: Option<Vec<f64>>,
    lower: Option<Vec<f64>>,
}

impl OwnTransform {
    pub fn read(from: &mut Reader<'_>) -> Result<Self> {
        Ok(OwnTransform { row_scale: from.optional()?, shift: from.optional()?, lower: from.optional()? })
    }

    pub fn lent(&self) -> Transform<'_> {
        let OwnTransform { row_scale, shift, lower } = self;
        Transform { row_scale: row_scale.as_deref(), shift: shift.as_deref(), lower: lower.as_deref() }
    }
}

/// Σ weight(i) uᵢuᵢᵀ of transformed rows u, lower triangle, column-major d×d.
///
/// # Cost
/// One sweep; n·d² flops, and as many where the rows are whitened.
pub(crate) fn chunked_gram(
    source: &dyn RowSource,
    chunks: &Chunks<'_>,
    weight: impl Fn(usize) -> f64 + Sync,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let d = chunks.columns;
    let add = |rows: &Rows<'_>, gram: &mut [f64]| {
        chunks.each(rows, |range, u| {
            with_scratch(u.len(), |scaled| {
                linalg::scale_rows_into(u, d, |i| weight(rows.start + range.start + i), scaled);
                linalg::add_gram(u, scaled, d, gram);
            })
        })
    };
    gram_sum(source, add, run)
}

/// Σ uᵢuᵢᵀ of transformed rows u, by dense chunks: the second Gram matrix of CholeskyQR2.
struct WhitenedGram<'a> {
    chunks: Chunks<'a>,
}

impl Pass for WhitenedGram<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.chunks.columns * self.chunks.columns]
    }
    fn add(&self, gram: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        self.chunks.each(rows, |_, u| linalg::add_gram(u, u, self.chunks.columns, gram));
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(&Shape { stored: shape.rows * shape.columns, ..*shape }, blocks)
    }
    fn portable(&self) -> Option<&dyn Portable<Vec<f64>>> {
        Some(self)
    }
}

/// left + right, in left's memory.
pub fn merged(mut left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
    left.iter_mut().zip(&right).for_each(|(a, b)| *a += b);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_after_column_has_the_bits_of_row_after_row() {
        let d = 3 * COLUMNS_IN_CACHE;
        let (mut pointers, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for i in 0..700usize {
            let row = (0..d).filter(|j| (i * 31 + j * 17) % 53 < 2 || *j == i % d);
            row.for_each(|j| {
                indices.push(j as u32);
                values.push(((i * 7 + j) as f64).sin());
            });
            pointers.push(indices.len());
        }
        // Not from the first entry on: a block lies in the middle of a matrix.
        let block = CsrBlock { pointers: &pointers[3..], indices: &indices, values: &values, columns: d };
        assert!(block.stored() >= ENTRIES_A_COLUMN * d);
        let weight = |i: usize| 0.5 - (i as f64).cos();
        let (mut taken, mut expected) = (vec![0.1; d * d], vec![0.1; d * d]);
        add_gram_by_pairs(&block, d, weight, &mut taken);
        for i in 0..block.rows() {
            let (indices, values) = block.row(i);
            for (p, (&j, a)) in indices.iter().zip(values).enumerate() {
                for (&k, b) in indices[p..].iter().zip(&values[p..]) {
                    expected[k as usize + j as usize * d] += weight(i) * a * b;
                }
            }
        }
        assert!(taken.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
