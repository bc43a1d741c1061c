//! The Jacobian of the scores as a matrix, row by row, and its normal equations: JᵀJ without n×n and without n×d.

use super::cell::{Barrier, Point};
use crate::error::Result;
use crate::gram::{Chunks, gram_stretches, merged};
use crate::linalg;
use crate::rows::{Pass, Rows, Shape, require_vector, sweep, with_scratch};
use crate::run::Run;

/// JᵀΩJ and JᵀΩr in the coordinates whitened by L: J = J_w Lᵀ.
pub struct ScoreNormalEquations {
    /// J_wᵀΩJ_w, full d×d.
    pub gram: Vec<f64>,
    /// J_wᵀΩr, d values.
    pub gradient: Vec<f64>,
}

impl Barrier<'_> {
    /// The normal equations of a change of the scores by −r.
    ///
    /// JᵀΩJ and JᵀΩr with J = −2(Σ − P⁽²⁾)A_x, Ω = diag(weight)
    ///
    /// Row i of J is −2(σᵢuᵢ − uᵢᵀW uᵢ)Lᵀ with the third moments W = Σ u⊗u⊗u: d quadratic forms a row.
    ///
    /// # Shapes
    /// `residual`, `weight`: n values; a weight of 0 leaves a row out.
    /// # Cost
    /// Two sweeps: n·d³/3 flops for the third moments and n·d³ for the rows of J. 8d³ bytes.
    /// # Errors
    /// Shapes; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) where third moments do not fit.
    pub fn score_normal_equations(
        &self,
        point: &Point,
        residual: &[f64],
        weight: &[f64],
        run: &Run<'_>,
    ) -> Result<ScoreNormalEquations> {
        let d = self.dim();
        require_vector("residual", residual, point.slack.len())?;
        require_vector("row weights", weight, point.slack.len())?;
        let (moments, _) = self.third_moments(point, None, None, run)?;
        let mut pairs = vec![0.0; d * d * (d + 1) / 2];
        with_scratch(d * d, |slice| {
            for c in 0..d {
                moments.slice_into(c, slice);
                for (t, (a, b)) in index_pairs(d).enumerate() {
                    pairs[c + t * d] = if a == b { slice[a + b * d] } else { 2.0 * slice[a + b * d] };
                }
            }
        });
        self.charge(0.5 * d as f64);
        let chunks = self.whitened_chunks(point);
        let pass = NormalPass { chunks, moments: &pairs, scores: &point.scores, residual, weight };
        let mut acc = sweep(self.source(), &pass, &mut [], run)?;
        let gradient = acc.split_off(d * d);
        linalg::symmetrise(&mut acc, d);
        Ok(ScoreNormalEquations { gram: acc, gradient })
    }
}

/// (a, b) with a ≤ b, the order in which products of two entries of a row are listed.
fn index_pairs(d: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..d).flat_map(move |a| (a..d).map(move |b| (a, b)))
}

/// Rows whose products of pairs are held at a time: about 1 MB for d = 50.
const PAIR_VALUES: usize = 131_072;

struct NormalPass<'a> {
    chunks: Chunks<'a>,
    /// d × d(d+1)/2, column-major: W_abc for all c beside each pair (a, b), doubled where a ≠ b.
    moments: &'a [f64],
    scores: &'a [f64],
    residual: &'a [f64],
    weight: &'a [f64],
}

impl NormalPass<'_> {
    /// Rows `first..` of −½J_w for the whitened rows u.
    fn jacobian_rows(&self, first: usize, u: &[f64], out: &mut [f64]) {
        let d = self.chunks.columns;
        let pairs = d * (d + 1) / 2;
        with_scratch(u.len() / d * pairs, |products| {
            linalg::row_pair_products(u, d, products);
            out.fill(0.0);
            linalg::add_product(self.moments, products, d, pairs, u.len() / d, out);
        });
        for (i, (row, u)) in out.chunks_exact_mut(d).zip(u.chunks_exact(d)).enumerate() {
            let sigma = self.scores[first + i];
            row.iter_mut().zip(u).for_each(|(j, u)| *j = sigma * u - *j);
        }
    }
}

impl Pass for NormalPass<'_> {
    type Acc = Vec<f64>;
    fn zero(&self) -> Vec<f64> {
        vec![0.0; self.chunks.columns * (self.chunks.columns + 1)]
    }
    fn add(&self, acc: &mut Vec<f64>, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        let (gram, gradient) = acc.split_at_mut(d * d);
        let portion = (2 * PAIR_VALUES / (d * (d + 1))).clamp(16, 1024);
        self.chunks.each(rows, |range, u| {
            for (k, u) in u.chunks_mut(portion * d).enumerate() {
                let first = rows.start + range.start + k * portion;
                let count = u.len() / d;
                let (weight, residual) = (&self.weight[first..first + count], &self.residual[first..first + count]);
                with_scratch(u.len(), |jacobian| {
                    self.jacobian_rows(first, u, jacobian);
                    linalg::scale_rows_into(jacobian, d, |i| -2.0 * weight[i].sqrt(), u);
                    linalg::add_gram(u, u, d, gram);
                    with_scratch(count, |scaled| {
                        (0..count).for_each(|i| scaled[i] = weight[i].sqrt() * residual[i]);
                        linalg::add_transposed_rows_times_vector(u, d, scaled, gradient);
                    });
                });
            }
        });
        Ok(())
    }
    fn merge(&self, left: Vec<f64>, right: Vec<f64>) -> Vec<f64> {
        merged(left, right)
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}
