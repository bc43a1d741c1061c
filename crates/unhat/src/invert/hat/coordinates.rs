//! Coordinates of the rows in which weighted sums keep their digits: cᵢ = Kaᵢ, and what goes over all rows in them.

use crate::error::Result;
use crate::gram::{gram_stretches, merged};
use crate::linalg;
use crate::rows::{Pass, RowSource, Rows, Shape, sweep, with_scratch};
use crate::run::Run;
use std::ops::Range;

/// Rows that are multiplied at once: few, so that no sum of a Gram matrix is a long chain of additions.
pub(super) const CHUNK: usize = 128;

/// K, r×d column-major; None is the identity, r = d.
pub(super) struct Coordinates {
    pub rank: usize,
    pub columns: usize,
    pub map: Option<Vec<f64>>,
    /// log |det K| on the columns that are independent.
    pub log_det: f64,
    /// The rows that are the unit vectors, by falling weight; empty where no rows were chosen.
    pub basis: Vec<usize>,
}

/// The rows rᵢGcᵢ: coordinates, scaled, and through a second matrix G (r×r, column-major).
pub(super) struct Weighted<'a> {
    pub coordinates: &'a Coordinates,
    /// r, n values.
    pub scale: &'a [f64],
    pub then: Option<&'a [f64]>,
}

impl Weighted<'_> {
    /// Calls `f(rows within the block, rᵢcᵢ, rᵢGcᵢ)` chunk by chunk; without a G both are the same, the second is empty.
    pub fn each(&self, rows: &Rows<'_>, mut f: impl FnMut(Range<usize>, &[f64], &mut [f64])) {
        let Coordinates { rank: r, columns: d, ref map, .. } = *self.coordinates;
        let n = rows.block.rows();
        let chunk = CHUNK.min(n);
        with_scratch(chunk * (d + 2 * r), |scratch| {
            let (plain, rest) = scratch.split_at_mut(chunk * d);
            let (mapped, through) = rest.split_at_mut(chunk * r);
            for start in (0..n).step_by(chunk.max(1)) {
                let range = start..(start + chunk).min(n);
                let m = range.len();
                let plain = &mut plain[..m * d];
                rows.block.densify_into(range.clone(), plain);
                for (row, i) in plain.chunks_exact_mut(d).zip(range.clone()) {
                    let s = self.scale[rows.start + i];
                    row.iter_mut().for_each(|a| *a *= s);
                }
                let c: &[f64] = match map {
                    None => plain,
                    Some(k) => {
                        linalg::product_into(k, plain, r, d, m, &mut mapped[..m * r]);
                        &mapped[..m * r]
                    }
                };
                match self.then {
                    None => f(range, c, &mut []),
                    Some(g) => {
                        let u = &mut through[..m * r];
                        linalg::product_into(g, c, r, r, m, u);
                        f(range, c, u);
                    }
                }
            }
        })
    }

    /// Σ vᵢuᵢuᵢᵀ of the rows u (v of ones where None), lower triangle.
    ///
    /// # Cost
    /// One sweep of nr² flops and those of the maps.
    pub fn gram(&self, source: &dyn RowSource, v: Option<&[f64]>, run: &Run<'_>) -> Result<Vec<f64>> {
        sweep(source, &GramPass { rows: self, v }, &mut [], run)
    }

    /// uᵢᵀSuᵢ for a full symmetric S (‖uᵢ‖² where None), one a row.
    pub fn forms(&self, source: &dyn RowSource, s: Option<&[f64]>, run: &Run<'_>) -> Result<Vec<f64>> {
        let mut out = vec![0.0; source.shape().rows];
        sweep(source, &FormPass { rows: self, s }, &mut out, run)?;
        Ok(out)
    }
}

/// How many stretches a pass with r×r sums is cut into.
pub(super) fn stretches(shape: &Shape, blocks: usize) -> usize {
    gram_stretches(&Shape { stored: shape.rows * shape.columns, ..*shape }, blocks)
}

/// Additions that the longest chain of a sum over all rows has, whatever the order within a chunk.
pub(super) fn longest_chain(source: &dyn RowSource) -> usize {
    let (shape, blocks) = (source.shape(), source.blocks());
    let stretches = stretches(&shape, blocks).clamp(1, blocks);
    let blocks_each = blocks.div_ceil(stretches);
    CHUNK + blocks_each * source.rows_per_block().div_ceil(CHUNK) + stretches
}

struct GramPass<'a> {
    rows: &'a Weighted<'a>,
    v: Option<&'a [f64]>,
}

impl Pass for GramPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.rows.coordinates.rank.pow(2)]
    }
    fn add(&self, gram: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let r = self.rows.coordinates.rank;
        self.rows.each(rows, |range, c, u| {
            let u: &[f64] = if self.rows.then.is_some() { u } else { c };
            match self.v {
                None => linalg::add_gram(u, u, r, gram),
                Some(v) => with_scratch(u.len(), |scaled| {
                    linalg::scale_rows_into(u, r, |i| v[rows.start + range.start + i], scaled);
                    linalg::add_gram(u, scaled, r, gram);
                }),
            }
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        stretches(shape, blocks)
    }
}

struct FormPass<'a> {
    rows: &'a Weighted<'a>,
    s: Option<&'a [f64]>,
}

impl Pass for FormPass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let r = self.rows.coordinates.rank;
        self.rows.each(rows, |range, c, u| {
            let u: &[f64] = if self.rows.then.is_some() { u } else { c };
            match self.s {
                None => linalg::row_norms_squared(u, r, &mut out[range]),
                Some(s) => with_scratch(u.len(), |product| {
                    linalg::rows_times_symmetric(u, r, s, product);
                    linalg::row_dots(u, product, r, &mut out[range]);
                }),
            }
        });
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
