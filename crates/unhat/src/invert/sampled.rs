//! Rows of a sample, whitened at a point, and the estimates of D and T that they give.

use super::sample::{CORESET_BLOCK, Sample};
use super::tilted::TiltedPoint;
use crate::barrier::{Barrier, ThirdMoments};
use crate::error::Result;
use crate::gram::{Transform, transformed_rows, weighted_gram};
use crate::linalg;
use crate::rows::DenseRows;
use crate::run::Run;

/// The rows of a sample in the coordinates of the point where it was drawn.
pub(super) struct SampledRows {
    pub d: usize,
    /// uᵢ, m×d row-major.
    pub u: Vec<f64>,
    /// The weights ωᵢ of the rows.
    pub weights: Vec<f64>,
    /// The scores σᵢ of the rows.
    pub scores: Vec<f64>,
}

impl SampledRows {
    /// Gathers and whitens: md² flops, 2m×d values.
    pub fn gather(barrier: &Barrier<'_>, point: &TiltedPoint, sample: Sample, run: &Run<'_>) -> Result<SampledRows> {
        let d = point.gradient.len();
        let gathered = barrier.source().gather(&sample.rows)?;
        let scale: Vec<f64> = sample.rows.iter().map(|&i| point.base.inverse_slack[i]).collect();
        let transform = Transform { row_scale: Some(&scale), shift: None, lower: Some(point.base.factor.lower()) };
        let u = match sample.rows.is_empty() {
            true => Vec::new(),
            false => transformed_rows(&DenseRows::new(&gathered, d)?.in_blocks_of(CORESET_BLOCK), transform, run)?,
        };
        let scores = sample.rows.iter().map(|&i| point.base.scores[i]).collect();
        Ok(SampledRows { d, u, weights: sample.weights, scores })
    }

    /// The number m of rows.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    fn source(&self) -> Result<DenseRows<'_>> {
        Ok(DenseRows::new(&self.u, self.d)?.in_blocks_of(CORESET_BLOCK))
    }

    /// Σ weight(k) uₖuₖᵀ, full.
    pub fn gram(&self, weight: impl Fn(usize) -> f64 + Sync, run: &Run<'_>) -> Result<Vec<f64>> {
        let mut gram = weighted_gram(&self.source()?, Some(&weight), run)?;
        linalg::symmetrise(&mut gram, self.d);
        Ok(gram)
    }

    /// W = Σ ωuₖ⊗uₖ⊗uₖ.
    ///
    /// # Cost
    /// md³/3 flops.
    pub fn moments(&self, run: &Run<'_>) -> Result<ThirdMoments> {
        ThirdMoments::of_source(&self.source()?, &self.weights, run)
    }

    /// T̄ + D̄: the off-diagonal part of P⁽²⁾ without bias, WᵀW − Σω²σ²uuᵀ with W from `moments`, and its diagonal Σωσ²uuᵀ.
    ///
    /// # Cost
    /// md² + d⁴ flops.
    pub fn squared_projection(&self, moments: &ThirdMoments, run: &Run<'_>) -> Result<Vec<f64>> {
        let (w, sigma) = (&self.weights, &self.scores);
        let mut t = moments.contracted(run);
        let diagonal = self.gram(|k| sigma[k] * sigma[k] * (w[k] - w[k] * w[k]), run)?;
        t.iter_mut().zip(&diagonal).for_each(|(t, d)| *t += d);
        Ok(t)
    }
}
