//! The model of L known through exact products alone, minimised by preconditioned, truncated conjugate gradients.

use super::frame::stacked_factor;
use super::model::{BoundedStep, Model};
use super::objective::{Objective, Place};
use crate::barrier::ThirdDirection;
use crate::error::Result;
use crate::linalg::{self, dot, norm};
use crate::run::Run;
use std::cell::RefCell;

/// L near a point, in coordinates z with δ = L⁻ᵀR⁻¹z as in the Gauss–Newton frame, but with the metric
/// Uᵀdiag(3σ − 2σ²)U (between Q_w and 3Q_w, as H_w is) in the place of H_w: ∇²L is not far from the identity there. What
/// earlier steps have learnt of ∇²L brings it nearer.
pub(super) struct ProductModel<'m, 'a> {
    objective: &'m Objective<'a>,
    place: &'m Place,
    /// Rᵀ.
    lower: Vec<f64>,
    slope: Vec<f64>,
    /// What products with D³V[g − c] share.
    third: ThirdDirection,
    /// Steps below this need not be exact.
    tolerance: f64,
    directions: &'m Directions,
}

/// Directions h of earlier conjugate gradients and their images ∇²L h, oldest first, in x.
#[derive(Default)]
pub(super) struct Directions(RefCell<Vec<(Vec<f64>, Vec<f64>)>>);

/// Directions remembered.
const MEMORY: usize = 60;

impl Directions {
    /// Forgets all: ∇²L has changed too much.
    pub fn forget(&self) {
        self.0.borrow_mut().clear();
    }

    fn push(&self, h: Vec<f64>, image: Vec<f64>) {
        let mut all = self.0.borrow_mut();
        if all.len() == MEMORY {
            all.remove(0);
        }
        all.push((h, image));
    }
}

/// Iterations of one step. More mean that the preconditioner failed, and the step so far must do.
const MAX_ITERATIONS: usize = 60;
/// Relative residual of a step: this much, and less as the steps vanish, so that convergence is faster than linear.
const RESIDUAL_WANTED: f64 = 0.1;
/// A residual this small is rounding of the products.
const RESIDUAL_FLOOR: f64 = 1e-9;

impl<'m, 'a> ProductModel<'m, 'a> {
    /// # Cost
    /// One product with H, which gives ∇L and all that products with D³V[r] share, and half an evaluation for the metric.
    pub fn new(
        objective: &'m Objective<'a>,
        place: &'m Place,
        directions: &'m Directions,
        tolerance: f64,
        run: &Run<'_>,
    ) -> Result<Self> {
        let barrier = objective.barrier;
        let metric = linalg::lower_outer_product(&barrier.product_metric(&place.base, run)?, objective.dim());
        let (lower, _) = stacked_factor(objective, place, &metric);
        let third = barrier.third_direction(&place.base, &place.residual, run)?;
        let mut gradient = third.hessian_vec().to_vec();
        let pull = linalg::lower_times_vector(&objective.root, &place.pull);
        gradient.iter_mut().zip(&pull).for_each(|(g, k)| *g += k);
        let slope = linalg::solve_lower(&lower, &place.base.factor.half_solve(&gradient));
        Ok(ProductModel { objective, place, lower, slope, third, tolerance, directions })
    }

    /// δ = L⁻ᵀR⁻¹z.
    pub fn direction(&self, z: &[f64]) -> Vec<f64> {
        self.place.base.factor.half_solve_transposed(&linalg::solve_lower_transposed(&self.lower, z))
    }

    /// R⁻ᵀL⁻¹ ∇²L L⁻ᵀR⁻¹ z with ∇²L = H·H + K + D³V[g − c].
    ///
    /// # Cost
    /// Two products with H: Hh comes with what D³V[r]h needs of h, and H(Hh) with D³V[r]h.
    pub fn times(&self, z: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        Ok(self.framed(&self.image(&self.direction(z), run)?))
    }

    /// ∇²L h.
    fn image(&self, h: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let (barrier, base) = (self.objective.barrier, &self.place.base);
        let along = barrier.third_direction(base, h, run)?;
        let mut total = barrier.hessian_and_third_derivative(base, along.hessian_vec(), (&self.third, &along), run)?;
        let root = &self.objective.root;
        let pull = linalg::lower_times_vector(root, &linalg::lower_transposed_times_vector(root, h));
        total.iter_mut().zip(&pull).for_each(|(t, k)| *t += k);
        Ok(total)
    }

    /// R⁻ᵀL⁻¹v.
    fn framed(&self, v: &[f64]) -> Vec<f64> {
        linalg::solve_lower(&self.lower, &self.place.base.factor.half_solve(v))
    }

    fn finish(&self, z: Vec<f64>, image: &[f64], interior: bool) -> BoundedStep {
        let change = dot(&self.slope, &z) + 0.5 * dot(&z, image);
        BoundedStep { h: self.direction(&z), length: norm(&z), change, interior }
    }

    /// The remembered directions in these coordinates.
    fn preconditioner(&self) -> Secants {
        let lower = self.place.base.factor.lower();
        let pairs = self.directions.0.borrow();
        let framed = pairs.iter().map(|(h, image)| {
            let z =
                linalg::lower_transposed_times_vector(&self.lower, &linalg::lower_transposed_times_vector(lower, h));
            let y = self.framed(image);
            let curvature = dot(&z, &y);
            (z, y, curvature)
        });
        Secants(framed.filter(|(_, _, curvature)| *curvature > 0.0).collect())
    }
}

/// Directions z, their images y and zᵀy: the inverse Hessian that the update of Broyden, Fletcher, Goldfarb and Shanno makes
/// of them and of the identity.
struct Secants(Vec<(Vec<f64>, Vec<f64>, f64)>);

impl Secants {
    /// The inverse times v, by the two loops of Nocedal.
    fn times(&self, v: &[f64]) -> Vec<f64> {
        let mut q = v.to_vec();
        let mut shares = vec![0.0; self.0.len()];
        for ((z, y, curvature), share) in self.0.iter().zip(&mut shares).rev() {
            *share = dot(z, &q) / curvature;
            q.iter_mut().zip(y).for_each(|(q, y)| *q -= *share * y);
        }
        for ((z, y, curvature), share) in self.0.iter().zip(&shares) {
            let more = share - dot(y, &q) / curvature;
            q.iter_mut().zip(z).for_each(|(q, z)| *q += more * z);
        }
        q
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
        let secants = self.preconditioner();
        let first = norm(&self.slope);
        let (mut z, mut image) = (vec![0.0; d], vec![0.0; d]);
        let mut residual: Vec<f64> = self.slope.iter().map(|q| -q).collect();
        let mut conditioned = secants.times(&residual);
        let mut p = conditioned.clone();
        // A step of this size need not be known better than to a tenth of the tolerance, and a large one not to its square.
        let size = self.objective.largest_change(self.place, &self.direction(&p), run)?;
        let wanted = RESIDUAL_WANTED.min(size).max((0.1 * self.tolerance / size).min(0.5)).max(RESIDUAL_FLOOR);
        let mut square = dot(&residual, &conditioned);
        for _ in 0..MAX_ITERATIONS {
            run.check()?;
            if norm(&residual) <= wanted * first || square <= 0.0 {
                break;
            }
            let h = self.direction(&p);
            let product = self.image(&h, run)?;
            let framed = self.framed(&product);
            let curvature = dot(&p, &framed);
            let free = square / curvature;
            let limit = to_the_boundary(&z, &p, radius);
            let leaves = curvature <= 0.0 || free >= limit;
            let t = if leaves { limit } else { free };
            for k in 0..d {
                z[k] += t * p[k];
                image[k] += t * framed[k];
                residual[k] -= t * framed[k];
            }
            if curvature > 0.0 {
                self.directions.push(h, product);
            }
            if leaves {
                return Ok(self.finish(z, &image, false));
            }
            conditioned = secants.times(&residual);
            let next = dot(&residual, &conditioned);
            p.iter_mut().zip(&conditioned).for_each(|(p, r)| *p = r + next / square * *p);
            square = next;
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
