//! `cg`: Newton with conjugate gradients on exact Hessian–vector products, preconditioned by K = 3Q − 2D.

use super::local_metric::of_k;
use super::tilted::{Tilted, TiltedPoint};
use crate::barrier::{Barrier, Point};
use crate::error::{ErrorKind, Result};
use crate::gram::Root;
use crate::linalg::{dot, norm};
use crate::oracle::{Arrival, Curvature, NewtonStep, SLACK_LOSS_CAP};
use crate::run::Run;

/// Far from the solution the step with K alone is as good as Newton's, and no product is spent.
const PRODUCTS_BELOW: f64 = 0.2;
/// Products of one step; K is so good a preconditioner that one or two are the rule.
const MAX_PRODUCTS: usize = 20;

/// Newton steps by conjugate gradients.
pub(super) struct ConjugateGradients;

impl Curvature<Tilted<'_>> for ConjugateGradients {
    fn needs_metric(&self) -> bool {
        true
    }

    fn step(&mut self, phi: &Tilted<'_>, point: &TiltedPoint, _arrival: &Arrival, run: &Run<'_>) -> Result<NewtonStep> {
        let root = metric(&point.base)?;
        let gradient = root.half_solve(&point.gradient);
        let lambda = norm(&gradient);
        let y = if lambda > PRODUCTS_BELOW {
            gradient.iter().map(|v| -v).collect()
        } else {
            newton_direction(phi.barrier, &point.base, root, &gradient, residual_wanted(lambda), run)?
        };
        Ok(NewtonStep {
            direction: root.half_solve_transposed(&y),
            decrement: 3f64.sqrt() * lambda, // K ≼ 3Q
            metric: Some(of_k(root.clone())),
            slack_cap: SLACK_LOSS_CAP,
            reach: None,
        })
    }
}

/// Relative residual of a step: half the decrement, so that convergence stays quadratic, but none that would change x by
/// less than its rounding.
fn residual_wanted(decrement: f64) -> f64 {
    const ROUNDING: f64 = 1e-13;
    (0.5 * decrement).max(ROUNDING / decrement).min(0.1)
}

pub(super) fn metric(point: &Point) -> Result<&Root> {
    point
        .metric
        .as_ref()
        .ok_or_else(|| ErrorKind::Numerical { reason: "the point was evaluated without its metric".into() }.into())
}

/// y ≈ −H_F⁻¹ G_F to a relative residual of `tolerance`, in the coordinates in which K is the identity.
fn newton_direction(
    barrier: &Barrier<'_>,
    point: &Point,
    root: &Root,
    gradient: &[f64],
    tolerance: f64,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let mut y = vec![0.0; gradient.len()];
    let mut residual: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut p = residual.clone();
    let first = dot(&residual, &residual);
    let mut square = first;
    for _ in 0..MAX_PRODUCTS {
        if square <= tolerance * tolerance * first && y.iter().any(|v| *v != 0.0) {
            break;
        }
        let hp = root.half_solve(&barrier.hessian_vec(point, &root.half_solve_transposed(&p), run)?);
        let curvature = dot(&p, &hp);
        if curvature.is_nan() || curvature <= 0.0 {
            break; // rounding: what was found so far is a descent direction
        }
        let alpha = square / curvature;
        for i in 0..y.len() {
            y[i] += alpha * p[i];
            residual[i] -= alpha * hp[i];
        }
        let next = dot(&residual, &residual);
        let beta = next / square;
        square = next;
        p.iter_mut().zip(&residual).for_each(|(p, r)| *p = r + beta * *p);
    }
    if y.iter().all(|v| *v == 0.0) {
        y = residual;
    }
    Ok(y)
}
