//! The baselines after the paper: Newton on the full Hessian of ½‖σ − σ̂‖², and gradient descent. Both are local.

use super::fit::{FitPoint, Region, ScoreFit, step_metric};
use super::polish::{FitEnd, FitOptions, Taken, capped_length, first_step, record};
use crate::error::Result;
use crate::linalg::{self, dot, norm};
use crate::run::Run;
use crate::solve::Status;

/// Halvings of one line search; after these the direction is useless.
const MOST_TRIALS: usize = 40;
/// A step must gain this share of what its slope promises.
const ARMIJO: f64 = 1e-4;
/// Growth of the first-order step length after an accepted step: it follows the local Lipschitz constant downwards too.
const STEP_GROWTH: f64 = 2.0;

/// Newton's method on the full Hessian.
///
/// h = −(JᵀJ + Σᵢ(σᵢ − σ̂ᵢ)∇²σᵢ + τD)⁻¹ Jᵀ(σ − σ̂), τ the least of 0, 10⁻³, 10⁻², … that makes it positive definite
///
/// # Cost
/// A step: n·d³ flops three times over, and 3d⁴.
/// # References
/// LiSongWangYinYu2024.
pub(super) fn full_newton<'a>(
    fit: &ScoreFit<'a>,
    start: &[f64],
    region: &Region,
    options: &FitOptions,
    run: &Run<'_>,
) -> Result<Option<FitEnd<'a>>> {
    descend(fit, start, region, options, run, &mut |at| {
        let normal = at.barrier.score_normal_equations(&at.point, &at.residual, &fit.release.weight, run)?;
        let curvature = at.barrier.whitened_score_curvature(&at.point, &at.weighted, run)?;
        let hessian: Vec<f64> = normal.gram.iter().zip(&curvature).map(|(g, s)| g + s).collect();
        let mut whitened = shifted_solve(&hessian, &step_metric(&at.barrier, &at.point, run)?, &normal.gradient);
        whitened.iter_mut().for_each(|k| *k = -*k);
        let slope = dot(&whitened, &normal.gradient);
        Ok(Direction { h: at.point.factor.half_solve_transposed(&whitened), slope, first_length: 1.0 })
    })
}

/// Gradient descent with a backtracked step, begun at one over the local Lipschitz constant of the gradient.
///
/// h = −t Jᵀ(σ − σ̂)
///
/// # Cost
/// A step: one evaluation and one product with Jᵀ.
/// # References
/// LiSongWangYinYu2024.
pub(super) fn gradient_descent<'a>(
    fit: &ScoreFit<'a>,
    start: &[f64],
    region: &Region,
    options: &FitOptions,
    run: &Run<'_>,
) -> Result<Option<FitEnd<'a>>> {
    let mut last: Option<(Vec<f64>, f64)> = None;
    descend(fit, start, region, options, run, &mut |at| {
        let mut h = at.barrier.score_jacobian_transposed_vec(&at.point, &at.weighted, run)?;
        h.iter_mut().for_each(|g| *g = -*g);
        let length = match last.take() {
            None => 1.0 / largest_curvature(fit, at, run)?,
            // The step before was t·h_before: its length is the last accepted t.
            Some((x, size)) => {
                let moved: Vec<f64> = at.point.x.iter().zip(&x).map(|(a, b)| a - b).collect();
                STEP_GROWTH * norm(&moved) / size
            }
        };
        last = Some((at.point.x.clone(), norm(&h)));
        Ok(Direction { slope: -dot(&h, &h), h, first_length: length })
    })
}

struct Direction {
    h: Vec<f64>,
    /// hᵀ Jᵀ(σ − σ̂) < 0.
    slope: f64,
    /// The length to try first.
    first_length: f64,
}

/// Descent with an Armijo line search: what both methods share.
fn descend<'a>(
    fit: &ScoreFit<'a>,
    start: &[f64],
    region: &Region,
    options: &FitOptions,
    run: &Run<'_>,
    direction: &mut dyn FnMut(&FitPoint<'a>) -> Result<Direction>,
) -> Result<Option<FitEnd<'a>>> {
    let Some(mut at) = fit.at(start, region, run)? else { return Ok(None) };
    let mut history = vec![first_step(&at, run)];
    let floor = 0.5 * f64::EPSILON * fit.release.size();
    let status = loop {
        if at.misfit() <= floor {
            break Status::Solved;
        }
        if history.len() as u32 > options.max_iterations {
            break Status::IterationLimit;
        }
        let searched = direction(&at).and_then(|h| line_search(fit, &at, region, &h, run));
        match searched {
            Ok(Some((next, taken, change))) => {
                next.inherit(&at);
                record(&mut history, &next, taken, run);
                let flat = taken.decrement <= 1e-8 * at.misfit() && change <= options.tolerance;
                at = next;
                if flat || taken.largest_change <= options.tolerance {
                    break Status::Solved;
                }
            }
            Ok(None) => break Status::Stalled,
            Err(e) if e.is_interrupted() => break Status::Interrupted,
            Err(e) => return Err(e),
        }
    };
    Ok(Some(FitEnd { at, status, history }))
}

/// The first of t, t/2, t/4 … that gains enough, and the largest relative change of a slack by it.
fn line_search<'a>(
    fit: &ScoreFit<'a>,
    at: &FitPoint<'a>,
    region: &Region,
    direction: &Direction,
    run: &Run<'_>,
) -> Result<Option<(FitPoint<'a>, Taken, f64)>> {
    let relative = at.barrier.scaled_rows_times(&at.point, &direction.h, run)?;
    let scaled: Vec<f64> = relative.iter().map(|v| v * direction.first_length).collect();
    let mut length = direction.first_length * capped_length(&scaled, region);
    let full = length == 1.0;
    for _ in 0..MOST_TRIALS {
        run.check()?;
        let x: Vec<f64> = at.point.x.iter().zip(&direction.h).map(|(x, h)| x + length * h).collect();
        if let Some(next) = fit.at(&x, region, run)? {
            let sufficient = next.objective <= at.objective + ARMIJO * length * direction.slope;
            if sufficient && next.objective < at.objective {
                let change = length * relative.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
                // Only a full Newton step is a statement about the distance to the solution.
                let largest_change = if full && length == 1.0 { change } else { f64::INFINITY };
                let decrement = (2.0 * length * -direction.slope).max(0.0).sqrt();
                return Ok(Some((next, Taken { largest_change, decrement, length }, change)));
            }
            at.inherit(&next);
        }
        length *= 0.5;
    }
    Ok(None)
}

/// (N + τD)⁻¹g with the least τ that makes it positive definite; g itself if none does.
fn shifted_solve(hessian: &[f64], metric: &[f64], g: &[f64]) -> Vec<f64> {
    let mut shift = 0.0;
    while shift < 1e9 {
        let mut shifted: Vec<f64> = hessian.iter().zip(metric).map(|(n, d)| n + shift * d).collect();
        if linalg::cholesky_in_place(&mut shifted, g.len()) {
            return linalg::cholesky_solve(&shifted, g);
        }
        shift = if shift == 0.0 { 1e-3 } else { 10.0 * shift };
    }
    g.to_vec()
}

/// λ_max(JᵀJ) by ten power iterations: the Lipschitz constant of the gradient where the residual is small.
fn largest_curvature(fit: &ScoreFit<'_>, at: &FitPoint<'_>, run: &Run<'_>) -> Result<f64> {
    const ITERATIONS: usize = 10;
    let d = at.barrier.dim();
    let mut v: Vec<f64> = (0..d).map(|i| 1.0 + 0.5 * ((7 * i + 3) as f64).sin()).collect();
    let mut growth = 1.0;
    for _ in 0..ITERATIONS {
        let size = norm(&v);
        v.iter_mut().for_each(|a| *a /= size);
        let mut change = at.barrier.score_jacobian_vec(&at.point, &v, run)?;
        change.iter_mut().zip(&fit.release.weight).for_each(|(c, w)| *c *= w);
        v = at.barrier.score_jacobian_transposed_vec(&at.point, &change, run)?;
        growth = norm(&v);
        if growth == 0.0 {
            return Ok(1.0);
        }
    }
    Ok(growth)
}
