//! The model of L known through exact products alone, minimised by truncated conjugate gradients.

use super::frame::stacked_factor;
use super::model::{BoundedStep, Model};
use super::objective::{Objective, Place};
use crate::barrier::ThirdDirection;
use crate::error::Result;
use crate::linalg::{self, dot, norm};
use crate::run::Run;

/// L near a point, in coordinates z with δ = L⁻ᵀR⁻¹z as in the Gauss–Newton frame, but with the metric
/// Uᵀdiag(3σ − 2σ²)U (between Q_w and 3Q_w, as H_w is) in the place of H_w: ∇²L is not far from the identity there.
pub(super) struct ProductModel<'m, 'a> {
    objective: &'m Objective<'a>,
    place: &'m Place,
    /// Rᵀ.
    lower: Vec<f64>,
    slope: Vec<f64>,
    /// What products with D³V[g − c] share.
    third: ThirdDirection,
}

/// Iterations of one step. More mean that the preconditioner failed, and the step so far must do.
const MAX_ITERATIONS: usize = 60;
/// Relative residual of a step: this much, and less as the gradient vanishes, so that convergence is faster than linear.
const RESIDUAL_WANTED: f64 = 0.1;
/// A residual this small is rounding of the products.
const RESIDUAL_FLOOR: f64 = 1e-9;

impl<'m, 'a> ProductModel<'m, 'a> {
    /// # Cost
    /// One product with H, which gives ∇L and all that products with D³V[r] share, and half an evaluation for the metric.
    pub fn new(objective: &'m Objective<'a>, place: &'m Place, run: &Run<'_>) -> Result<Self> {
        let barrier = objective.barrier;
        let metric = linalg::lower_outer_product(&barrier.product_metric(&place.base, run)?, objective.dim());
        let (lower, _) = stacked_factor(objective, place, &metric);
        let third = barrier.third_direction(&place.base, &place.residual, run)?;
        let mut gradient = third.hessian_vec().to_vec();
        let pull = linalg::lower_times_vector(&objective.root, &place.pull);
        gradient.iter_mut().zip(&pull).for_each(|(g, k)| *g += k);
        let slope = linalg::solve_lower(&lower, &place.base.factor.half_solve(&gradient));
        Ok(ProductModel { objective, place, lower, slope, third })
    }

    /// δ = L⁻ᵀR⁻¹z.
    pub fn direction(&self, z: &[f64]) -> Vec<f64> {
        self.place.base.factor.half_solve_transposed(&linalg::solve_lower_transposed(&self.lower, z))
    }

    /// R⁻ᵀL⁻¹ ∇²L L⁻ᵀR⁻¹ z with ∇²L = H·H + K + D³V[g − c].
    ///
    /// # Cost
    /// Three products with H: Hh comes with what D³V[r]h needs of h.
    pub fn times(&self, z: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let (barrier, base) = (self.objective.barrier, &self.place.base);
        let h = self.direction(z);
        let along = barrier.third_direction(base, &h, run)?;
        let mut total = barrier.third_direction(base, along.hessian_vec(), run)?.hessian_vec().to_vec();
        let root = &self.objective.root;
        let pull = linalg::lower_times_vector(root, &linalg::lower_transposed_times_vector(root, &h));
        let third = barrier.third_derivative_of(base, &self.third, &along, run)?;
        total.iter_mut().zip(pull.iter().zip(&third)).for_each(|(t, (k, d))| *t += k + d);
        Ok(linalg::solve_lower(&self.lower, &base.factor.half_solve(&total)))
    }

    fn finish(&self, z: Vec<f64>, image: &[f64], interior: bool) -> BoundedStep {
        let change = dot(&self.slope, &z) + 0.5 * dot(&z, image);
        BoundedStep { h: self.direction(&z), length: norm(&z), change, interior }
    }
}

impl Model for ProductModel<'_, '_> {
    fn slope(&self) -> f64 {
        norm(&self.slope)
    }

    /// Conjugate gradients from z = 0 until the residual is small, the ball is left, or a direction of negative curvature
    /// is met, which is followed to the boundary.
    fn step(&self, radius: f64, run: &Run<'_>) -> Result<BoundedStep> {
        let d = self.slope.len();
        let first = norm(&self.slope);
        let closeness = first / (2.0 * self.place.value).sqrt().max(f64::MIN_POSITIVE);
        let wanted = RESIDUAL_WANTED.min(closeness).max(RESIDUAL_FLOOR);
        let (mut z, mut image) = (vec![0.0; d], vec![0.0; d]);
        let mut residual: Vec<f64> = self.slope.iter().map(|q| -q).collect();
        let mut p = residual.clone();
        for _ in 0..MAX_ITERATIONS {
            run.check()?;
            let size = dot(&residual, &residual);
            if size.sqrt() <= wanted * first {
                break;
            }
            let product = self.times(&p, run)?;
            let curvature = dot(&p, &product);
            let free = size / curvature;
            let limit = to_the_boundary(&z, &p, radius);
            let leaves = curvature <= 0.0 || free >= limit;
            let t = if leaves { limit } else { free };
            for k in 0..d {
                z[k] += t * p[k];
                image[k] += t * product[k];
                residual[k] -= t * product[k];
            }
            if leaves {
                return Ok(self.finish(z, &image, false));
            }
            let next = dot(&residual, &residual) / size;
            p.iter_mut().zip(&residual).for_each(|(p, r)| *p = r + next * *p);
        }
        Ok(self.finish(z, &image, true))
    }
}

/// t ≥ 0 with ‖z + t·p‖ = radius.
fn to_the_boundary(z: &[f64], p: &[f64], radius: f64) -> f64 {
    let (a, b, c) = (dot(p, p), dot(z, p), dot(z, z) - radius * radius);
    let root = (b * b - a * c).max(0.0).sqrt();
    if b > 0.0 { -c / (b + root) } else { (root - b) / a }
}
