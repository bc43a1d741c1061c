//! The linear equations of a Levenberg–Marquardt step: formed where d is small, otherwise solved by conjugate gradients
//! on products with J and Jᵀ.

use super::fit::{FitPoint, ScoreFit, weighted_step_metric};
use crate::error::Result;
use crate::linalg::{self, dot, norm};
use crate::run::Run;

/// Up to this d the normal equations are formed: (2000, 50) takes 0.14 s so and 0.09 s by products, (4000, 100) 1.5 s and
/// 0.5 s; below d = 40 forming is faster and saves a step of the seven.
pub(super) const FORMED_UP_TO: usize = 40;
/// Conjugate gradients stop at this share of the first residual: an inexact step costs less than an exact one saves.
const FORCING: f64 = 1e-2;
/// More iterations than this mean that J is singular along the rest; the damping takes care of it.
const MOST_PRODUCTS: usize = 100;

/// (JᵀΩJ + λD) k = −JᵀΩr in the coordinates whitened by L.
pub(super) struct StepEquations<'p> {
    at: &'p FitPoint<'p>,
    weight: &'p [f64],
    /// JᵀΩr, whitened.
    pub gradient: Vec<f64>,
    /// D, whitened, full d×d.
    metric: Vec<f64>,
    /// JᵀΩJ, whitened, where it was formed.
    gram: Option<Vec<f64>>,
}

/// A solution k and what it says about the decrease.
pub(super) struct StepSolution {
    /// k; the step is h = L⁻ᵀk.
    pub whitened: Vec<f64>,
    /// kᵀJᵀΩJk.
    pub curvature: f64,
}

impl<'p> StepEquations<'p> {
    /// The equations at a point.
    ///
    /// # Cost
    /// One sweep for D, and for d up to 40 two sweeps of 4nd³/3 flops; beyond, one product with Jᵀ.
    pub fn at(fit: &'p ScoreFit<'_>, at: &'p FitPoint<'p>, run: &Run<'_>) -> Result<Self> {
        let weight = &fit.release.weight;
        let metric = weighted_step_metric(fit, at, run)?;
        if at.barrier.dim() <= FORMED_UP_TO {
            let normal = at.barrier.score_normal_equations(&at.point, &at.residual, weight, run)?;
            return Ok(StepEquations { at, weight, gradient: normal.gradient, metric, gram: Some(normal.gram) });
        }
        let gradient = at.barrier.score_jacobian_transposed_vec(&at.point, &at.weighted, run)?;
        Ok(StepEquations { at, weight, gradient: at.point.factor.half_solve(&gradient), metric, gram: None })
    }

    /// The damped step; None where the matrix is not positive definite to rounding.
    pub fn solve(&self, damping: f64, run: &Run<'_>) -> Result<Option<StepSolution>> {
        match &self.gram {
            Some(gram) => Ok(self.solve_formed(gram, damping)),
            None => self.solve_by_products(damping, run),
        }
    }

    fn solve_formed(&self, gram: &[f64], damping: f64) -> Option<StepSolution> {
        let mut damped: Vec<f64> = gram.iter().zip(&self.metric).map(|(g, d)| g + damping * d).collect();
        if !linalg::cholesky_in_place(&mut damped, self.gradient.len()) {
            return None;
        }
        let mut whitened = linalg::cholesky_solve(&damped, &self.gradient);
        whitened.iter_mut().for_each(|k| *k = -*k);
        let curvature = dot(&whitened, &linalg::symmetric_times_vector(gram, &whitened));
        Some(StepSolution { whitened, curvature })
    }

    /// JᵀΩJ k, whitened.
    fn product(&self, k: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let (barrier, point) = (&self.at.barrier, &self.at.point);
        let h = point.factor.half_solve_transposed(k);
        let mut change = barrier.score_jacobian_vec(point, &h, run)?;
        change.iter_mut().zip(self.weight).for_each(|(c, w)| *c *= w);
        Ok(point.factor.half_solve(&barrier.score_jacobian_transposed_vec(point, &change, run)?))
    }

    /// Conjugate gradients preconditioned by (4 + λ)D, which is JᵀJ + λD without P⁽²⁾.
    fn solve_by_products(&self, damping: f64, run: &Run<'_>) -> Result<Option<StepSolution>> {
        let d = self.gradient.len();
        let mut factor = self.metric.clone();
        if !linalg::cholesky_in_place(&mut factor, d) {
            return Ok(None);
        }
        let precondition = |v: &[f64]| linalg::cholesky_solve(&factor, v);
        let mut k = vec![0.0; d];
        let mut product_k = vec![0.0; d];
        let mut remainder: Vec<f64> = self.gradient.iter().map(|g| -g).collect();
        let goal = FORCING * norm(&remainder);
        let mut z = precondition(&remainder);
        let mut direction = z.clone();
        let mut size = dot(&remainder, &z);
        for _ in 0..MOST_PRODUCTS {
            run.check()?;
            let plain = self.product(&direction, run)?;
            let damped = linalg::symmetric_times_vector(&self.metric, &direction);
            let along = dot(&direction, &plain) + damping * dot(&direction, &damped);
            if along.is_nan() || along <= 0.0 {
                break;
            }
            let length = size / along;
            for i in 0..d {
                k[i] += length * direction[i];
                product_k[i] += length * plain[i];
                remainder[i] -= length * (plain[i] + damping * damped[i]);
            }
            if norm(&remainder) <= goal {
                break;
            }
            z = precondition(&remainder);
            let next = dot(&remainder, &z);
            direction.iter_mut().zip(&z).for_each(|(p, z)| *p = z + next / size * *p);
            size = next;
        }
        let curvature = dot(&k, &product_k);
        Ok(Some(StepSolution { whitened: k, curvature }))
    }
}
