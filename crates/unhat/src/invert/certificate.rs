//! A proven bound on the distance from a computed point to the exact solution of g(x) = c in its cell.

use super::local_metric::{in_x, of_k};
use super::tilted::{Tilted, TiltedPoint};
use crate::barrier::{Barrier, Point};
use crate::error::Result;
use crate::gram::FactorMethod;
use crate::linalg::dot;
use crate::oracle::{LocalMetric, NewtonStep};
use crate::run::Run;

/// How far the exact solution can be from the returned point.
///
/// The cell holds exactly one x* with g(x*) = c, and ‖x − x*‖_Q ≤ `q_norm`, ‖x − x*‖₂ ≤ `euclidean`, with the matrix A, the
/// offset b and the target c taken as the exact numbers they are stored as. Q = A_xᵀΣA_x at the last evaluated point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// Bound in the norm of Q: relative to the slacks, whatever the units.
    pub q_norm: f64,
    /// Bound in the Euclidean norm.
    pub euclidean: f64,
    /// η, the part of the gradient's rounding that the bound contains.
    pub rounding: f64,
    /// ε·cond₂(L), columns scaled: what half an ulp in A and c can do to the exact solution itself, in the norm of Q and to
    /// first order. It is outside the bound, which takes the stored numbers as exact.
    pub inputs: f64,
}

/// What a point can prove, and how.
pub(super) struct Proof {
    /// Valid at the evaluated point; None when the test fails.
    pub certificate: Option<Certificate>,
    /// The rounding η of the gradient that the bound contains.
    pub rounding: f64,
    metric: LocalMetric,
    /// max ‖a_{x,i}‖ in the norm of Q⁻¹, or a bound of it.
    rho: f64,
}

/// Proves the distance from `point` to the solution (math of the w = 0 certificate).
///
/// With γ = ‖G‖_{B⁻¹} and ρ = max ‖a_{x,i}‖_{B⁻¹} for B = H, or larger bounds of both from Q ≼ H: if some r in (0, 1) has
/// ρ(γ+η)/κ(r) < r, κ(r) = (1 − (1−r)⁷)/(7r), then the cell holds the solution, within (γ+η)/κ(r) in the norm of B.
/// The smallest such r solves 7ρ(γ+η) = 1 − (1−r)⁷.
///
/// # Cost
/// O(n + d³) and one product with |A| where the step brought a metric; otherwise one evaluation's worth of sweeps more,
/// and two when the cheap bound of ρ does not do.
pub(super) fn prove(phi: &Tilted<'_>, point: &TiltedPoint, step: &NewtonStep, run: &Run<'_>) -> Result<Proof> {
    let rounding = gradient_rounding(phi.barrier, &point.base, phi.slack_noise(point, run)?.largest, run)?;
    let metric = match &step.metric {
        Some(metric) => metric.clone(),
        None => of_k(in_x(&point.base, &phi.barrier.metric_factor(&point.base, run)?)),
    };
    let rho = cheap_rho(&point.base.scores);
    if let Some(certificate) = conclude(phi, point, &metric, rho, rounding) {
        return Ok(Proof { certificate: Some(certificate), rounding, metric, rho });
    }
    let Some((root, largest)) = phi.barrier.vaidya(&point.base, run)? else {
        return Ok(Proof { certificate: None, rounding, metric, rho });
    };
    let rho = largest.sqrt();
    let metric = LocalMetric { root, dual: 1.0, primal: 1.0 }; // Q in the place of H: both bounds hold
    let certificate = conclude(phi, point, &metric, rho, rounding);
    Ok(Proof { certificate, rounding, metric, rho })
}

/// The Euclidean bound of [`prove`] at a point on the way, from the metric that its step brought; None where it brought
/// none, or where the point is too far for the test.
///
/// # Cost
/// O(n + d²) where the test fails without rounding; else O(d³) and one product with |A| more.
pub(super) fn distance_so_far(
    phi: &Tilted<'_>,
    point: &TiltedPoint,
    step: &NewtonStep,
    run: &Run<'_>,
) -> Result<Option<f64>> {
    let Some(metric) = &step.metric else { return Ok(None) };
    if point.base.factor.sparse().is_some() {
        return Ok(None); // what a selected inverse has lost costs a sweep to find: it is done once, at the end
    }
    let rho = cheap_rho(&point.base.scores);
    if !within_reach(rho, metric.dual_norm(&point.gradient)) {
        return Ok(None);
    }
    let rounding = gradient_rounding(phi.barrier, &point.base, phi.slack_noise(point, run)?.largest, run)?;
    Ok(conclude(phi, point, metric, rho, rounding).map(|certificate| certificate.euclidean))
}

impl Proof {
    /// The certificate for a point `moved` away from the evaluated one.
    pub fn after_moving(&self, phi: &Tilted<'_>, moved: &[f64]) -> Option<Certificate> {
        self.certificate.map(|c| Certificate {
            q_norm: c.q_norm + self.metric.norm(moved) * ROUND_UP,
            euclidean: c.euclidean + phi.length(moved) * ROUND_UP,
            rounding: c.rounding,
            inputs: c.inputs,
        })
    }
}

/// Covers the rounding of the few operations after γ, ρ and λ_min.
const ROUND_UP: f64 = 1.0 + 1e-9;

fn conclude(
    phi: &Tilted<'_>,
    point: &TiltedPoint,
    metric: &LocalMetric,
    rho: f64,
    rounding: f64,
) -> Option<Certificate> {
    let (q_norm, _) = within(rho, metric.dual_norm(&point.gradient) + rounding)?;
    let inputs = f64::EPSILON * point.base.factor.condition();
    let euclidean = q_norm * metric.inverse_root_bound(point.gradient.len(), phi.units);
    euclidean.is_finite().then_some(Certificate { q_norm, euclidean, rounding, inputs })
}

/// (γ+η)/κ(r), and the r that bounds the relative change of every slack on the way to the solution.
fn within(rho: f64, gamma: f64) -> Option<(f64, f64)> {
    if !within_reach(rho, gamma) {
        return None;
    }
    let reach = 7.0 * rho * gamma;
    let r = -((-reach).ln_1p() / 7.0).exp_m1();
    let kappa = if r > 0.0 { -(7.0 * (-r).ln_1p()).exp_m1() / (7.0 * r) } else { 1.0 };
    Some((gamma / kappa * ROUND_UP, r))
}

/// A point nearer to the solution, by a gradient in doubled precision, and a certificate of its own.
pub(super) struct Tightened {
    pub x: Vec<f64>,
    pub certificate: Certificate,
}

/// One Newton step by the gradient in doubled precision, and how far the solution is from where it ends.
///
/// With G known almost exactly, Hh + G = r for a computed h, and |A_xh| ≤ r₁:
///
///   ‖G(x+h)‖_{H⁻¹} ≤ ‖r‖_{H⁻¹} + (((1−r₁)⁻⁵ − 1)/(5r₁) − 1)·‖h‖_H + η,
///
/// because H changes at most by (1−tr₁)⁻⁶ along the step (the lemma behind [`prove`]). The solution is then within that
/// over (1−r₂)⁶ of x + h, r₂ the largest relative change of a slack between x and either of the two. All of it is small
/// beside ‖h‖; what is left is the rounding of x + h to floats, which is known.
///
/// # Cost
/// [`Barrier::doubled_flops`] and some products with the Hessian.
pub(super) fn tighten(
    phi: &Tilted<'_>,
    point: &TiltedPoint,
    proof: &Proof,
    run: &Run<'_>,
) -> Result<Option<Tightened>> {
    let d = point.gradient.len();
    let condition = point.base.factor.gram_condition_bound();
    let growth = match point.base.factor.method() {
        FactorMethod::Cholesky => condition,
        _ => condition.sqrt(),
    };
    // What rounding does to norms and to products with H, relative to them.
    let slip = 4.0 * (d as f64).powf(1.5) * f64::EPSILON * growth;
    if slip.is_nan() || slip > 0.1 {
        return Ok(None);
    }
    let up = (1.0 + slip) * ROUND_UP;
    let tau = phi.slack_noise(point, run)?.largest;
    let Some(g) = phi.barrier.doubled_gradient(&point.base, phi.target, (condition, tau), run)? else {
        return Ok(None);
    };
    let (metric, rho) = (&proof.metric, proof.rho);
    let Some((_, r)) = within(rho, metric.dual_norm(&g.residual) * up + g.rounding) else { return Ok(None) };
    let (h, left) = preconditioned_step(phi.barrier, &point.base, metric, &g.residual, run)?;
    let change = rho * metric.norm(&h) * up;
    if !(change < 0.5 && r < 0.9) {
        return Ok(None);
    }
    let length = 3f64.sqrt() * metric.norm(&h) * up; // H ≼ 3Q
    let model = match change {
        c if c > 1e-4 => (((1.0 - c).powi(-5) - 1.0) / (5.0 * c) - 1.0).max(0.0),
        c => 3.01 * c,
    };
    let gradient = metric.dual_norm(&left) * up + (model + slip) * length + g.rounding;
    let rest = gradient / (1.0 - r.max(change)).powi(6) * ROUND_UP;
    let x: Vec<f64> = point.base.x.iter().zip(&h).map(|(x, h)| x + h).collect();
    // (x + h) as it was rounded, less (x + h).
    let lost: Vec<f64> = (0..d).map(|j| sum_error(point.base.x[j], h[j], x[j])).collect();
    let q_norm = metric.norm(&lost) * up + rest;
    let euclidean = phi.length(&lost) * ROUND_UP + rest * up * metric.inverse_root_bound(d, phi.units);
    let inputs = f64::EPSILON * point.base.factor.condition();
    let certificate = Certificate { q_norm, euclidean, rounding: g.rounding + slip * length, inputs };
    Ok(euclidean.is_finite().then_some(Tightened { x, certificate }))
}

/// fl(a + b) − (a + b), exactly.
fn sum_error(a: f64, b: f64, sum: f64) -> f64 {
    let part = sum - a;
    -((a - (sum - part)) + (b - part))
}

/// h ≈ −H⁻¹g by conjugate gradients, and Hh + g.
fn preconditioned_step(
    barrier: &Barrier<'_>,
    point: &Point,
    metric: &LocalMetric,
    g: &[f64],
    run: &Run<'_>,
) -> Result<(Vec<f64>, Vec<f64>)> {
    const PRODUCTS: usize = 30;
    const ENOUGH: f64 = 1e-9;
    const NOTHING: f64 = 1e-16; // of every slack
    let solve = |v: &[f64]| metric.root.half_solve_transposed(&metric.root.half_solve(v));
    let mut h = vec![0.0; g.len()];
    let mut left = g.to_vec();
    let mut z = solve(&left);
    let mut direction: Vec<f64> = z.iter().map(|v| -v).collect();
    let mut square = dot(&left, &z);
    let first = square;
    for _ in 0..PRODUCTS {
        if square.is_nan() || square <= (ENOUGH * ENOUGH * first).max(NOTHING * NOTHING) {
            break;
        }
        let product = barrier.hessian_vec(point, &direction, run)?;
        let curvature = dot(&direction, &product);
        if curvature.is_nan() || curvature <= 0.0 {
            break;
        }
        let t = square / curvature;
        for j in 0..h.len() {
            h[j] += t * direction[j];
            left[j] += t * product[j];
        }
        z = solve(&left);
        let next = dot(&left, &z);
        let beta = next / square;
        square = next;
        direction.iter_mut().zip(&z).for_each(|(p, z)| *p = beta * *p - z);
    }
    if h.iter().any(|v| *v != 0.0) {
        // The recursion's residual drifts from the true one.
        let product = barrier.hessian_vec(point, &h, run)?;
        left = product.iter().zip(g).map(|(p, g)| p + g).collect();
    }
    Ok((h, left))
}

/// Whether 7ρ(γ+η) is clearly below 1, so that 7ρ(γ+η) = 1 − (1−r)⁷ has a solution r < 1.
fn within_reach(rho: f64, gamma: f64) -> bool {
    7.0 * rho * gamma < 0.999
}

/// ρ² ≤ maxᵢ min(1/σᵢ, σᵢ/σ_min): Q ≽ σᵢaaᵀ/s² and Q ≽ σ_min M. Zero rows are skipped.
pub(super) fn cheap_rho(scores: &[f64]) -> f64 {
    let least = scores.iter().filter(|s| **s > 0.0).fold(f64::INFINITY, |a, b| a.min(*b));
    scores.iter().filter(|s| **s > 0.0).map(|s| (1.0 / s).min(s / least)).fold(0.0, f64::max).sqrt()
}

/// η = √d(d·ε·κ + 4θ), θ = (d+1)·ε·max τᵢ: how far the computed gradient can be from the exact one, in the norm of Q⁻¹.
///
/// κ is κ₂(M̃) where Cholesky factored the Gram matrix; the orthogonal methods bring in its square root only. Scores from a
/// selected inverse are compared with those from triangular solves, and the difference is added.
pub(super) fn gradient_rounding(barrier: &Barrier<'_>, point: &Point, largest_tau: f64, run: &Run<'_>) -> Result<f64> {
    let d = point.x.len() as f64;
    let theta = (d + 1.0) * f64::EPSILON * largest_tau;
    let condition = point.factor.gram_condition_bound();
    let growth = match point.factor.method() {
        FactorMethod::Cholesky => condition,
        _ => condition.sqrt(),
    };
    let recursion = barrier.selected_inverse_error(point, run)?;
    Ok(d.sqrt() * (d * f64::EPSILON * growth + 4.0 * theta) + recursion)
}
