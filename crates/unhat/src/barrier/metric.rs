//! Metrics at a point: the Gram matrices of the whitened rows weighted by their scores, K and Vaidya's Q.

use super::cell::{Barrier, Point, metric_weight};
use crate::error::{ErrorKind, Result};
use crate::gram::{Chunks, FactorMethod, Root, Transform, chunked_gram};
use crate::linalg;
use crate::rows::{Pass, Rows, sweep, with_scratch};
use crate::run::Run;

impl Barrier<'_> {
    /// The Cholesky factor of K in whitened coordinates at a point that was evaluated without it.
    ///
    /// # Cost
    /// One sweep, 2nd² flops.
    /// # Errors
    /// [`ErrorKind::Numerical`] when K is not positive definite to rounding.
    pub fn metric_factor(&self, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
        if let Some(k) = point.metric.as_ref().and_then(Root::whitened) {
            return Ok(k.to_vec());
        }
        self.charge(1.0);
        let d = self.dim();
        let mut k = self.score_weighted_gram(point, metric_weight, run)?;
        if !linalg::cholesky_in_place(&mut k, d) {
            return Err(
                ErrorKind::Numerical { reason: "the metric K is not positive definite to rounding".into() }.into()
            );
        }
        Ok(k)
    }

    /// Q_w = Uᵀ diag(σ) U, full: Vaidya's matrix in whitened coordinates, Q = L Q_w Lᵀ.
    ///
    /// # Cost
    /// One sweep of nd² flops where Cholesky served, else 2nd².
    pub fn whitened_vaidya(&self, point: &Point, run: &Run<'_>) -> Result<Vec<f64>> {
        let d = self.dim();
        if point.factor.method() != FactorMethod::Cholesky {
            self.charge(1.0);
            let mut q = self.score_weighted_gram(point, |sigma| sigma, run)?;
            linalg::symmetrise(&mut q, d);
            return Ok(q);
        }
        self.charge(0.5);
        let weight = |i: usize| point.scores[i] * point.inverse_slack[i] * point.inverse_slack[i];
        let mut q = crate::gram::weighted_gram(self.source(), Some(&weight), run)?;
        linalg::whiten_symmetric(point.factor.lower(), d, &mut q);
        Ok(q)
    }

    /// Uᵀ diag(weight(σ)) U, lower triangle.
    pub(crate) fn score_weighted_gram(&self, point: &Point, weight: fn(f64) -> f64, run: &Run<'_>) -> Result<Vec<f64>> {
        chunked_gram(self.source(), &self.whitened_chunks(point), |i| weight(point.scores[i]), run)
    }

    /// Uᵀ diag(weight(i)) U over rows i, lower triangle.
    pub(crate) fn row_weighted_gram(
        &self,
        point: &Point,
        weight: impl Fn(usize) -> f64 + Sync,
        run: &Run<'_>,
    ) -> Result<Vec<f64>> {
        chunked_gram(self.source(), &self.whitened_chunks(point), weight, run)
    }

    /// The root of Vaidya's Q and maxᵢ ‖a_{x,i}‖² in the metric Q⁻¹; None if Q is not positive definite to rounding.
    ///
    /// # Cost
    /// Two evaluations' worth of sweeps.
    pub(crate) fn vaidya(&self, point: &Point, run: &Run<'_>) -> Result<Option<(Root, f64)>> {
        if let Some(sparse) = point.factor.sparse() {
            return self.sparse_vaidya(point, sparse.pattern(), run);
        }
        let mut q = self.whitened_vaidya(point, run)?;
        if !linalg::cholesky_in_place(&mut q, self.dim()) {
            return Ok(None);
        }
        let largest = self.largest_row_norm_squared(point, &q, run)?;
        Ok(Some((Root::of_whitened(point.factor.shared_lower().clone(), q), largest)))
    }

    /// maxᵢ ‖B⁻¹uᵢ‖² for a lower triangular B in whitened coordinates.
    pub(crate) fn largest_row_norm_squared(&self, point: &Point, b: &[f64], run: &Run<'_>) -> Result<f64> {
        sweep(self.source(), &LargestRowNorm { chunks: self.whitened_chunks(point), b }, &mut [], run)
    }

    /// Chunks of U = A_x L⁻ᵀ.
    pub(crate) fn whitened_chunks<'p>(&self, point: &'p Point) -> Chunks<'p> {
        let lower = Some(point.factor.lower());
        Chunks {
            transform: Transform { row_scale: Some(&point.inverse_slack), shift: None, lower },
            columns: self.dim(),
        }
    }
}

struct LargestRowNorm<'a> {
    chunks: Chunks<'a>,
    b: &'a [f64],
}

impl Pass for LargestRowNorm<'_> {
    type Acc = f64;
    fn zero(&self) -> f64 {
        0.0
    }
    fn add(&self, largest: &mut f64, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let d = self.chunks.columns;
        self.chunks.each(rows, |range, u| {
            linalg::solve_lower_rows(self.b, d, u);
            with_scratch(range.len(), |norms| {
                linalg::row_norms_squared(u, d, norms);
                *largest = norms.iter().fold(*largest, |a, b| a.max(*b));
            });
        });
        Ok(())
    }
    fn merge(&self, left: f64, right: f64) -> f64 {
        left.max(right)
    }
}
