//! The lifted linear system, its rows made on the fly: normal equations streamed in panels with refinement, or an
//! orthogonal solve where those fail.

use crate::error::{ErrorKind, Result};
use crate::linalg::{self, norm};
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// One equation a row:  aᵀNa − σ aᵀXa + 2σb aᵀy = σb²,  for a, b in scaled coordinates and weighted by ω.
///
/// Unknowns: vech(N), vech(X), y; off-diagonal entries of N and X count twice. Where b = 0 on all rows the equations are
/// homogeneous: y drops out and one more row asks for tr X = 1.
pub(super) struct LiftedSystem<'a> {
    /// Row-major m×d.
    pub rows: &'a [f64],
    /// b (m).
    pub offset: &'a [f64],
    /// σ̂ (m).
    pub scores: &'a [f64],
    /// ω (m).
    pub weight: &'a [f64],
    /// The dimension d.
    pub dim: usize,
    /// Whether b = 0 on all rows.
    pub homogeneous: bool,
}

/// A least-squares solution.
pub(super) struct LiftedSolution {
    /// vech(N), vech(X), y.
    pub unknowns: Vec<f64>,
    /// ‖Cz − r‖/‖r‖ of the weighted rows.
    pub residual: f64,
    /// "normal equations" or "orthogonal".
    pub solver: &'static str,
    /// Directions of y that the rows leave free; empty where y is determined.
    pub free: Vec<Vec<f64>>,
}

/// Columns of the Gram matrix that one core updates at a time.
const PANEL: usize = 256;
/// Lifted rows made at a time: as many as fit here, so that the Gram matrix is read and written seldom.
const BATCH_BYTES: usize = 128 << 20;
/// Refinement passes: two reach rounding in every table of ours; the rest are for ill-conditioned rows.
const MOST_REFINEMENTS: usize = 6;
/// A correction that shrinks less than this share of the last one no longer converges.
const WORST_CONTRACTION: f64 = 0.3;
/// A correction below this share of z that no longer shrinks is rounding.
const ROUNDING_SHARE: f64 = 1e-9;
/// Flops that an orthogonal solve may take (about twenty seconds).
const ORTHOGONAL_FLOPS: f64 = 4e10;
/// A component of y in a null vector below this is rounding.
const FREE_SHARE: f64 = 1e-6;

/// d² + 2d: the unknowns of a lift.
pub(super) fn unknowns(d: usize) -> usize {
    d * (d + 1) + d
}

impl LiftedSystem<'_> {
    fn columns(&self) -> usize {
        if self.homogeneous { self.dim * (self.dim + 1) } else { unknowns(self.dim) }
    }

    fn count(&self) -> usize {
        self.offset.len() + usize::from(self.homogeneous)
    }

    /// d(d+1)/2.
    fn pairs(&self) -> usize {
        self.dim * (self.dim + 1) / 2
    }

    /// Least squares by normal equations and refinement; orthogonally where those do not converge.
    ///
    /// # Cost
    /// m·D² + D³/3 flops and 8D² bytes for D = d² + 2d.
    pub fn solve(&self, run: &Run<'_>) -> Result<LiftedSolution> {
        let (columns, count) = (self.columns(), self.count());
        if let Some(solution) = self.solve_normal_equations(run)? {
            return Ok(solution);
        }
        let flops = 2.0 * (count * columns) as f64 * columns as f64;
        if flops > ORTHOGONAL_FLOPS {
            return Err(ErrorKind::Numerical {
                reason: format!(
                    "the lifted equations of {} columns are too ill-conditioned for normal equations and too large for an orthogonal solve",
                    self.dim
                ),
            }
            .into());
        }
        self.solve_orthogonally(run)
    }

    /// z += G⁻¹Cᵀ(r − Cz), G = CᵀC with columns scaled to unit norm; None where that does not converge.
    fn solve_normal_equations(&self, run: &Run<'_>) -> Result<Option<LiftedSolution>> {
        let columns = self.columns();
        let mut gram = self.gram(run)?;
        let scale: Vec<f64> = (0..columns).map(|j| 1.0 / gram[j + j * columns].sqrt()).collect();
        if scale.iter().any(|s| !s.is_finite()) {
            return Ok(None);
        }
        for (column, sj) in gram.chunks_exact_mut(columns).zip(&scale) {
            column.iter_mut().zip(&scale).for_each(|(g, si)| *g *= si * sj);
        }
        if !factor_by_panels(&mut gram, columns, run)? {
            return Ok(None);
        }
        let right = self.right_side();
        let mut z = vec![0.0; columns];
        let mut remainder = right.clone();
        let mut last = f64::INFINITY;
        for pass in 0..=MOST_REFINEMENTS {
            let mut step = self.transposed_times(&remainder, run)?;
            step.iter_mut().zip(&scale).for_each(|(g, s)| *g *= s);
            let step = linalg::cholesky_solve(&gram, &step);
            let share = norm(&step) / scaled_norm(&z, &scale);
            if pass > 0 && share > WORST_CONTRACTION * last {
                // At the rounding floor steps stop shrinking; well above it the factor is of no use.
                last = share;
                break;
            }
            z.iter_mut().zip(step.iter().zip(&scale)).for_each(|(z, (k, s))| *z += s * k);
            remainder = self.times(&z, run)?;
            remainder.iter_mut().zip(&right).for_each(|(c, r)| *c = r - *c);
            last = if pass > 0 { share } else { f64::INFINITY };
        }
        if last.is_nan() || last > ROUNDING_SHARE {
            return Ok(None);
        }
        let residual = norm(&remainder) / norm(&right);
        Ok(Some(LiftedSolution { unknowns: z, residual, solver: "normal equations", free: Vec::new() }))
    }

    /// Householder QR of [C r], then column pivoting: dependent products are left out, and what they leave free is named.
    fn solve_orthogonally(&self, run: &Run<'_>) -> Result<LiftedSolution> {
        let (columns, count) = (self.columns(), self.count());
        let wide = columns + 1;
        let mut rows = vec![0.0; count * wide];
        let mut plain = vec![0.0; columns];
        let right = self.right_side();
        for (i, row) in rows.chunks_exact_mut(wide).enumerate() {
            self.fill(i..i + 1, &mut plain);
            row[..columns].copy_from_slice(&plain);
            row[columns] = right[i];
        }
        let mut scale = vec![0.0; columns];
        for row in rows.chunks_exact(wide) {
            scale.iter_mut().zip(row).for_each(|(s, c)| *s += c * c);
        }
        scale.iter_mut().for_each(|s| *s = if *s > 0.0 { 1.0 / s.sqrt() } else { 0.0 });
        for row in rows.chunks_exact_mut(wide) {
            row.iter_mut().zip(&scale).for_each(|(c, s)| *c *= s);
        }
        run.check()?;
        let lower = linalg::triangular_factor(&rows, wide); // rows of R are columns of L
        run.check()?;
        let leading: Vec<f64> = (0..columns * columns).map(|k| lower[k % columns + (k / columns) * wide]).collect();
        let projected: Vec<f64> = (0..columns).map(|k| lower[columns + k * wide]).collect();
        let least = lower[columns + columns * wide];
        // R z = q: pivot the columns of R and carry q along as a last, unpivoted column by a second factorisation.
        let (_, order) = linalg::pivoted_triangular_factor(&leading, columns);
        let mut pivoted = vec![0.0; columns * wide]; // row-major rows [R Π, q]
        for k in 0..columns {
            for (j, &source) in order.iter().enumerate() {
                pivoted[k * wide + j] = leading[source + k * columns];
            }
            pivoted[k * wide + columns] = projected[k];
        }
        let factor = linalg::triangular_factor(&pivoted, wide);
        let upper = |k: usize, j: usize| factor[j + k * wide];
        let tolerance = 4.0 * columns as f64 * f64::EPSILON * upper(0, 0);
        let rank = (0..columns).take_while(|&k| upper(k, k) > tolerance).count();
        let back_substitute = |mut v: Vec<f64>| {
            for k in (0..rank).rev() {
                let known: f64 = (k + 1..rank).map(|j| upper(k, j) * v[j]).sum();
                v[k] = (v[k] - known) / upper(k, k);
            }
            v
        };
        let unpivot = |basic: &[f64], dependent: Option<usize>| {
            let mut z = vec![0.0; columns];
            basic.iter().zip(&order).for_each(|(v, &j)| z[j] = v * scale[j]);
            if let Some(j) = dependent {
                z[order[j]] = -scale[order[j]];
            }
            z
        };
        let z = unpivot(&back_substitute((0..rank).map(|k| upper(k, columns)).collect()), None);
        let mut free = Vec::new();
        for j in rank..columns {
            let null = unpivot(&back_substitute((0..rank).map(|k| upper(k, j)).collect()), Some(j));
            let y = &null[2 * self.pairs()..];
            if norm(y) > FREE_SHARE * norm(&null) {
                free.push(y.to_vec());
            }
        }
        let left: f64 = (rank..columns).map(|k| upper(k, columns) * upper(k, columns)).sum::<f64>() + least * least;
        let residual = left.sqrt() / norm(&right);
        Ok(LiftedSolution { unknowns: z, residual, solver: "orthogonal", free })
    }

    /// The weighted lifted rows `range`, row-major.
    fn fill(&self, range: Range<usize>, out: &mut [f64]) {
        let (d, pairs, columns) = (self.dim, self.pairs(), self.columns());
        for (i, out) in range.zip(out.chunks_exact_mut(columns)) {
            let (n, rest) = out.split_at_mut(pairs);
            let (x, y) = rest.split_at_mut(pairs);
            if i == self.offset.len() {
                n.fill(0.0); // tr X = 1
                x.fill(0.0);
                (0..d).fold(0, |diagonal, a| {
                    x[diagonal] = 1.0;
                    diagonal + d - a
                });
                continue;
            }
            let (a, sigma, weight) = (&self.rows[i * d..(i + 1) * d], self.scores[i], self.weight[i]);
            linalg::row_pair_products(a, d, n);
            n.iter_mut().for_each(|f| *f *= weight);
            n.iter().zip(x).for_each(|(f, x)| *x = -sigma * f);
            let factor = 2.0 * sigma * self.offset[i] * weight;
            y.iter_mut().zip(a).for_each(|(y, a)| *y = factor * a);
        }
    }

    fn right_side(&self) -> Vec<f64> {
        let equation = |i: usize| self.weight[i] * self.scores[i] * self.offset[i] * self.offset[i];
        let constraint = self.homogeneous.then_some(1.0);
        (0..self.offset.len()).map(equation).chain(constraint).collect()
    }

    /// Calls `f(rows, their values)` batch by batch; the rows of a batch are made by all cores.
    fn each_batch(&self, run: &Run<'_>, mut f: impl FnMut(Range<usize>, &[f64])) -> Result<()> {
        let columns = self.columns();
        let batch = (BATCH_BYTES / (8 * columns)).clamp(64, 1024).min(self.count());
        let mut values = vec![0.0; batch * columns];
        for start in (0..self.count()).step_by(batch) {
            run.check()?;
            let range = start..(start + batch).min(self.count());
            let values = &mut values[..range.len() * columns];
            const PORTION: usize = 16;
            run.install(|| {
                values.par_chunks_mut(PORTION * columns).enumerate().for_each(|(k, out)| {
                    let first = range.start + k * PORTION;
                    self.fill(first..first + out.len() / columns, out);
                })
            });
            f(range, values);
        }
        Ok(())
    }

    /// lower(CᵀC), column-major: panels shared by all cores, each adding its batches in order.
    fn gram(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        let columns = self.columns();
        let mut gram = vec![0.0; columns * columns];
        self.each_batch(run, |_, values| {
            run.install(|| {
                gram.par_chunks_mut(PANEL * columns).enumerate().for_each(|(k, panel)| {
                    if !run.stopped() {
                        linalg::add_gram_panel(values, columns, k * PANEL, panel);
                    }
                })
            })
        })?;
        run.check()?;
        Ok(gram)
    }

    /// C z.
    pub fn times(&self, z: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.count()];
        self.each_batch(run, |range, values| linalg::rows_times_vector(values, z.len(), z, &mut out[range]))?;
        Ok(out)
    }

    /// Cᵀ v.
    fn transposed_times(&self, v: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.columns()];
        let columns = out.len();
        self.each_batch(run, |range, values| {
            linalg::add_transposed_rows_times_vector(values, columns, &v[range], &mut out)
        })?;
        Ok(out)
    }

    /// X, full d×d.
    pub fn product_matrix(&self, unknowns: &[f64]) -> Vec<f64> {
        let d = self.dim;
        let mut x = vec![0.0; d * d];
        let mut entries = unknowns[self.pairs()..2 * self.pairs()].iter();
        for a in 0..d {
            for b in a..d {
                let value = entries.next().copied().unwrap_or(0.0) * if a == b { 1.0 } else { 0.5 };
                x[a + b * d] = value;
                x[b + a * d] = value;
            }
        }
        x
    }
}

fn scaled_norm(z: &[f64], scale: &[f64]) -> f64 {
    norm(&z.iter().zip(scale).map(|(z, s)| z / s).collect::<Vec<_>>())
}

/// Cholesky in place of the lower triangle, panel by panel, all later panels updated at once by all cores; false if not
/// positive definite to rounding.
fn factor_by_panels(gram: &mut [f64], d: usize, run: &Run<'_>) -> Result<bool> {
    for first in (0..d).step_by(PANEL) {
        run.check()?;
        let (finished, later) = gram[first * d..].split_at_mut((PANEL * d).min((d - first) * d));
        if !linalg::finish_cholesky_panel(d, first, finished) {
            return Ok(false);
        }
        let finished = &*finished;
        run.install(|| {
            later.par_chunks_mut(PANEL * d).enumerate().for_each(|(k, panel)| {
                linalg::subtract_panel_product(finished, d, first + (k + 1) * PANEL, panel);
            })
        });
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_panel_factor_is_the_cholesky_factor() {
        let d = 2 * PANEL + 37;
        let b: Vec<f64> = (0..d * d).map(|k| ((k * k + 7 * k) as f64).sin()).collect();
        let mut gram = vec![0.0; d * d];
        linalg::add_outer_product(&b, &b, d, 1.0, &mut gram);
        (0..d).for_each(|i| gram[i + i * d] += 1.0);
        let mut whole = gram.clone();
        assert!(linalg::cholesky_in_place(&mut whole, d));
        assert!(factor_by_panels(&mut gram, d, &Run::default()).unwrap());
        for j in 0..d {
            for i in j..d {
                assert!((gram[i + j * d] - whole[i + j * d]).abs() < 1e-10 * whole[0].abs().max(1.0));
            }
        }
    }
}
