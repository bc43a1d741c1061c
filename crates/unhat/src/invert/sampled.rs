//! Rows of a sample, whitened at a point, and the estimates of D and T that they give.

use super::sample::Sample;
use super::tilted::TiltedPoint;
use crate::barrier::{Barrier, ThirdMoments};
use crate::error::Result;
use crate::linalg;

/// The rows of a sample in the coordinates of the point where it was drawn.
pub(super) struct SampledRows {
    pub d: usize,
    /// uᵢ, m×d row-major.
    pub u: Vec<f64>,
    /// ωᵢ.
    pub weights: Vec<f64>,
    /// σᵢ.
    pub scores: Vec<f64>,
}

impl SampledRows {
    /// Gathers and whitens: md² flops, m×d values.
    pub fn gather(barrier: &Barrier<'_>, point: &TiltedPoint, sample: Sample) -> Result<SampledRows> {
        let d = point.gradient.len();
        let gathered = barrier.source().gather(&sample.rows)?;
        let mut u = vec![0.0; gathered.len()];
        linalg::scale_rows_into(&gathered, d, |k| point.base.inverse_slack[sample.rows[k]], &mut u);
        linalg::solve_lower_rows(point.base.factor.lower(), d, &mut u);
        let scores = sample.rows.iter().map(|&i| point.base.scores[i]).collect();
        Ok(SampledRows { d, u, weights: sample.weights, scores })
    }

    /// m.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Σ weight(k) uₖuₖᵀ, full.
    pub fn gram(&self, weight: impl Fn(usize) -> f64) -> Vec<f64> {
        let d = self.d;
        let mut scaled = vec![0.0; self.u.len()];
        linalg::scale_rows_into(&self.u, d, weight, &mut scaled);
        let mut gram = vec![0.0; d * d];
        linalg::add_gram(&self.u, &scaled, d, &mut gram);
        linalg::symmetrise(&mut gram, d);
        gram
    }

    /// T̄ + D̄: the off-diagonal part of P⁽²⁾ without bias, WᵀW − Σω²σ²uuᵀ with W = Σω u⊗u⊗u, and its diagonal Σωσ²uuᵀ.
    ///
    /// # Cost
    /// md³/3 + 2d⁴ flops.
    pub fn squared_projection(&self) -> Vec<f64> {
        let (w, sigma) = (&self.weights, &self.scores);
        let mut t = ThirdMoments::of_rows(&self.u, self.d, |k| w[k]).contracted();
        let diagonal = self.gram(|k| sigma[k] * sigma[k] * (w[k] - w[k] * w[k]));
        t.iter_mut().zip(&diagonal).for_each(|(t, d)| *t += d);
        t
    }
}
