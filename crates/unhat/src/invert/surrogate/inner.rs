//! The inner Newton iteration on a tilted model: μ(y) = V_C(y) + ℓ·y + ½yᵀEy.

use super::model::{Model, ModelPoint};
use crate::linalg::{self, dot};

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
    /// Conjugate gradients on products with the model's Hessian.
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

/// Minimises μ from y; returns the last accepted y and the model there.
pub(super) fn minimise(
    model: &Model,
    tilt: &Tilt,
    start: &[f64],
    limits: &Limits,
    direction: &Direction<'_>,
    flops: &mut Flops,
) -> (Vec<f64>, Option<ModelPoint>, End) {
    const ACCEPT_TRIALS: usize = 12;
    const SHRINK: f64 = 0.35;
    let (m, d) = (model.len() as f64, start.len() as f64);
    let mut evaluate = |y: &[f64]| {
        flops.0 += 2.0 * m * d * d + d * d * d;
        tilted(model, tilt, y)
    };
    let mut y = start.to_vec();
    let Some(mut here) = evaluate(&y) else { return (y, None, End::Stall) };
    let mut products = 0.0;
    let mut end = End::Done;
    for _ in 0..limits.steps {
        let step = match direction {
            Direction::Fixed(h) => linalg::cholesky_solve(h, &here.gradient).iter().map(|v| -v).collect(),
            Direction::Conjugate => match conjugate_step(&here, tilt, &mut products) {
                Some(step) => step,
                None => {
                    end = End::Stall;
                    break;
                }
            },
        };
        let decrement_squared = -dot(&here.gradient, &step);
        if !(decrement_squared > limits.tolerance * limits.tolerance && decrement_squared.is_finite()) {
            if !decrement_squared.is_finite() {
                end = End::Stall;
            }
            break;
        }
        let worst = here.point.slack_changes(&step).into_iter().fold(0.0, f64::min);
        let mut t = if worst < 0.0 { (limits.slack_cap / -worst).min(1.0) } else { 1.0 };
        let mut accepted = None;
        for _ in 0..ACCEPT_TRIALS {
            let trial: Vec<f64> = y.iter().zip(&step).map(|(y, s)| y + t * s).collect();
            if let Some(next) = evaluate(&trial) {
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
            Some((trial, next)) => (y, here) = (trial, next),
            None => {
                end = End::Stall;
                break;
            }
        }
    }
    flops.0 += products * 3.0 * m * d * d;
    (y, Some(here.point), end)
}

fn tilted(model: &Model, tilt: &Tilt, y: &[f64]) -> Option<Evaluation> {
    let point = model.at(y)?;
    let mut value = point.value + dot(&tilt.linear, y);
    let mut gradient: Vec<f64> = point.gradient.iter().zip(&tilt.linear).map(|(g, l)| g + l).collect();
    if let Some(e) = &tilt.quadratic {
        let ey = linalg::symmetric_times_vector(e, y);
        value += 0.5 * dot(y, &ey);
        gradient.iter_mut().zip(&ey).for_each(|(g, e)| *g += e);
    }
    Some(Evaluation { value, gradient, point })
}

/// −(∇²V_C + E)⁻¹∇μ to a tenth, by conjugate gradients preconditioned with C + E.
fn conjugate_step(here: &Evaluation, tilt: &Tilt, products: &mut f64) -> Option<Vec<f64>> {
    const RESIDUAL: f64 = 0.1;
    const MOST: usize = 10;
    let d = here.gradient.len();
    let factor = preconditioner(here.point.metric(), tilt.quadratic.as_deref(), d)?;
    let mut x = vec![0.0; d];
    let mut residual: Vec<f64> = here.gradient.iter().map(|g| -g).collect();
    let mut z = linalg::cholesky_solve(&factor, &residual);
    let mut p = z.clone();
    let first = dot(&residual, &z);
    let mut rz = first;
    for k in 0..MOST {
        let mut hp = here.point.hessian_vec(&p);
        *products += 1.0;
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
        z = linalg::cholesky_solve(&factor, &residual);
        let next = dot(&residual, &z);
        if next <= RESIDUAL * RESIDUAL * first {
            break;
        }
        let beta = next / rz;
        rz = next;
        p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + beta * *p);
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
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
