//! The inner Newton iteration on a tilted model: μ(y) = V_C(y) + ℓ·y + ½yᵀEy.

use super::model::{Model, ModelPoint};
use crate::error::Result;
use crate::linalg::{self, dot};
use crate::run::Run;

/// What makes the model's gradient (and, with E, its curvature) that of φ.
pub(super) struct Tilt {
    /// ℓ.
    pub linear: Vec<f64>,
    /// E, full d×d; None: zero.
    pub quadratic: Option<Vec<f64>>,
}

/// Where inner directions come from.
pub(super) enum Direction<'a> {
    /// −H⁻¹∇μ with the Cholesky factor of one H for all inner steps.
    Fixed(&'a [f64]),
    /// −(C + E)⁻¹∇μ while that gains enough; else conjugate gradients on products with the model's Hessian.
    Conjugate,
}

/// How the inner iteration ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The decrement is below the tolerance, or the steps are used up.
    Done,
    /// No step was accepted.
    Stall,
}

/// How far and how closely to minimise.
pub(super) struct Limits {
    /// Decrement at which to stop.
    pub tolerance: f64,
    /// Inner steps allowed.
    pub steps: usize,
    /// Share of a coreset slack that one inner step may take.
    pub slack_cap: f64,
}

/// Counts the flops of the model: its overhead beside the passes.
#[derive(Default)]
pub(super) struct Flops(pub f64);

struct Evaluation {
    value: f64,
    gradient: Vec<f64>,
    point: ModelPoint,
}

/// Where the inner iteration begins: y, and the model there where it is known.
pub(super) struct Beginning<'a> {
    pub y: &'a [f64],
    pub point: Option<ModelPoint>,
}

/// A full step along −(C + E)⁻¹∇μ that leaves more of the decrement than this calls for products: rows of small scores
/// have C ≈ ∇²V_C, and a product then buys nothing.
const METRIC_GAIN: f64 = 0.5;

/// Minimises μ; returns the last accepted y and the model there.
pub(super) fn minimise(
    model: &Model,
    tilt: &Tilt,
    start: Beginning<'_>,
    limits: &Limits,
    direction: &Direction<'_>,
    flops: &mut Flops,
    run: &Run<'_>,
) -> Result<(Vec<f64>, Option<ModelPoint>, End)> {
    const ACCEPT_TRIALS: usize = 12;
    const SHRINK: f64 = 0.35;
    let (m, d) = (model.len() as f64, start.y.len() as f64);
    let (mut evaluations, mut grams) = (0.0, 0.0);
    let mut evaluate = |y: &[f64]| -> Result<Option<Evaluation>> {
        evaluations += 1.0;
        Ok(model.at(y, run)?.map(|point| tilted(point, tilt, y)))
    };
    let mut y = start.y.to_vec();
    let first = match start.point {
        Some(point) => Some(tilted(point, tilt, &y)),
        None => evaluate(&y)?,
    };
    let Some(mut here) = first else { return Ok((y, None, End::Stall)) };
    let mut end = End::Done;
    // The decrement before the last step, if that was a full one along the metric alone.
    let (mut metric_serves, mut before) = (true, f64::INFINITY);
    for _ in 0..limits.steps {
        let step: Vec<f64> = match direction {
            Direction::Fixed(h) => linalg::cholesky_solve(h, &here.gradient).iter().map(|v| -v).collect(),
            Direction::Conjugate => {
                let metric = model.metric(&here.point, run)?;
                grams += 1.0;
                let Some(factor) = preconditioner(metric, tilt.quadratic.as_deref(), here.gradient.len()) else {
                    end = End::Stall;
                    break;
                };
                let along_metric: Vec<f64> =
                    linalg::cholesky_solve(&factor, &here.gradient).iter().map(|v| -v).collect();
                metric_serves &= -dot(&here.gradient, &along_metric) <= METRIC_GAIN * METRIC_GAIN * before;
                match metric_serves {
                    true => along_metric,
                    false => conjugate_step(model, &here, tilt, &factor, along_metric, &mut grams, run)?,
                }
            }
        };
        let decrement_squared = -dot(&here.gradient, &step);
        if !(decrement_squared > limits.tolerance * limits.tolerance && decrement_squared.is_finite()) {
            if !decrement_squared.is_finite() {
                end = End::Stall;
            }
            break;
        }
        let worst = model.slack_changes(&here.point, &step).into_iter().fold(0.0, f64::min);
        let mut t = if worst < 0.0 { (limits.slack_cap / -worst).min(1.0) } else { 1.0 };
        let mut accepted = None;
        for _ in 0..ACCEPT_TRIALS {
            let trial: Vec<f64> = y.iter().zip(&step).map(|(y, s)| y + t * s).collect();
            if let Some(next) = evaluate(&trial)? {
                let slope = dot(&next.gradient, &step);
                let falls = next.value <= here.value - 1e-3 * t * decrement_squared;
                let flat = slope.abs() <= 0.5 * decrement_squared && (slope <= 0.0 || decrement_squared < 1e-6);
                if falls || flat {
                    accepted = Some((trial, next));
                    break;
                }
            }
            t *= SHRINK;
        }
        match accepted {
            Some((trial, next)) => {
                before = if t == 1.0 { decrement_squared } else { f64::INFINITY };
                (y, here) = (trial, next)
            }
            None => {
                end = End::Stall;
                break;
            }
        }
    }
    flops.0 += (2.0 * evaluations + grams) * m * d * d + evaluations * d * d * d;
    Ok((y, Some(here.point), end))
}

fn tilted(point: ModelPoint, tilt: &Tilt, y: &[f64]) -> Evaluation {
    let mut value = point.value + dot(&tilt.linear, y);
    let mut gradient: Vec<f64> = point.gradient.iter().zip(&tilt.linear).map(|(g, l)| g + l).collect();
    if let Some(e) = &tilt.quadratic {
        let ey = linalg::symmetric_times_vector(e, y);
        value += 0.5 * dot(y, &ey);
        gradient.iter_mut().zip(&ey).for_each(|(g, e)| *g += e);
    }
    Evaluation { value, gradient, point }
}

/// −(∇²V_C + E)⁻¹∇μ to a tenth, by conjugate gradients preconditioned with C + E, whose own step they begin with.
fn conjugate_step(
    model: &Model,
    here: &Evaluation,
    tilt: &Tilt,
    factor: &[f64],
    along_metric: Vec<f64>,
    grams: &mut f64,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    const RESIDUAL: f64 = 0.1;
    const MOST: usize = 10;
    let d = here.gradient.len();
    let mut x = vec![0.0; d];
    let mut residual: Vec<f64> = here.gradient.iter().map(|g| -g).collect();
    let mut p = along_metric;
    let first = dot(&residual, &p);
    let mut rz = first;
    for k in 0..MOST {
        let mut hp = model.hessian_vec(&here.point, &p, run)?;
        *grams += 3.0;
        if let Some(e) = &tilt.quadratic {
            hp.iter_mut().zip(linalg::symmetric_times_vector(e, &p)).for_each(|(h, e)| *h += e);
        }
        let curvature = dot(&p, &hp);
        if curvature.is_nan() || curvature <= 1e-3 * rz {
            if k == 0 {
                x = p;
            }
            break;
        }
        let alpha = rz / curvature;
        for i in 0..d {
            x[i] += alpha * p[i];
            residual[i] -= alpha * hp[i];
        }
        let z = linalg::cholesky_solve(factor, &residual);
        let next = dot(&residual, &z);
        if next <= RESIDUAL * RESIDUAL * first {
            break;
        }
        let beta = next / rz;
        rz = next;
        p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + beta * *p);
    }
    Ok(x)
}

/// The Cholesky factor of C + E; where that is not clearly positive definite against C, generalised eigenvalues are
/// raised to 0.2.
fn preconditioner(metric: Vec<f64>, quadratic: Option<&[f64]>, d: usize) -> Option<Vec<f64>> {
    const LEAST: f64 = 0.2;
    let Some(e) = quadratic else {
        let mut c = metric;
        return linalg::cholesky_in_place(&mut c, d).then_some(c);
    };
    let mut shifted: Vec<f64> = metric.iter().zip(e).map(|(c, e)| (1.0 - LEAST) * c + e).collect();
    let mut sum: Vec<f64> = metric.iter().zip(e).map(|(c, e)| c + e).collect();
    if linalg::cholesky_in_place(&mut shifted, d) {
        return linalg::cholesky_in_place(&mut sum, d).then_some(sum);
    }
    let mut sum: Vec<f64> = metric.iter().zip(e).map(|(c, e)| c + e).collect();
    linalg::clip_generalised_eigenvalues(&mut sum, &metric, d, LEAST, f64::INFINITY)
}
