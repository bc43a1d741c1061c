//! A proven bound on the distance from a computed point to the exact solution of g(x) = c in its cell.

use super::local_metric::{in_x, of_k};
use super::tilted::{Tilted, TiltedPoint};
use crate::barrier::{Barrier, Point};
use crate::error::Result;
use crate::gram::FactorMethod;
use crate::linalg::norm;
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
    /// η.
    pub rounding: f64,
    metric: LocalMetric,
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
    if let Some(certificate) = conclude(point, &metric, rho, rounding) {
        return Ok(Proof { certificate: Some(certificate), rounding, metric });
    }
    let Some((root, largest)) = phi.barrier.vaidya(&point.base, run)? else {
        return Ok(Proof { certificate: None, rounding, metric });
    };
    let rho = largest.sqrt();
    let metric = LocalMetric { root, dual: 1.0, primal: 1.0 }; // Q in the place of H: both bounds hold
    let certificate = conclude(point, &metric, rho, rounding);
    Ok(Proof { certificate, rounding, metric })
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
    Ok(conclude(point, metric, rho, rounding).map(|certificate| certificate.euclidean))
}

impl Proof {
    /// The certificate for a point `moved` away from the evaluated one.
    pub fn after_moving(&self, moved: &[f64]) -> Option<Certificate> {
        self.certificate.map(|c| Certificate {
            q_norm: c.q_norm + self.metric.norm(moved) * ROUND_UP,
            euclidean: c.euclidean + norm(moved) * ROUND_UP,
            rounding: c.rounding,
            inputs: c.inputs,
        })
    }
}

/// Covers the rounding of the few operations after γ, ρ and λ_min.
const ROUND_UP: f64 = 1.0 + 1e-9;

fn conclude(point: &TiltedPoint, metric: &LocalMetric, rho: f64, rounding: f64) -> Option<Certificate> {
    let gamma = metric.dual_norm(&point.gradient) + rounding;
    if !within_reach(rho, gamma) {
        return None;
    }
    let reach = 7.0 * rho * gamma;
    let r = -((-reach).ln_1p() / 7.0).exp_m1();
    let kappa = if r > 0.0 { -(7.0 * (-r).ln_1p()).exp_m1() / (7.0 * r) } else { 1.0 };
    let q_norm = gamma / kappa * ROUND_UP;
    let inputs = f64::EPSILON * point.base.factor.condition();
    let euclidean = q_norm * metric.inverse_root_bound(point.gradient.len());
    Some(Certificate { q_norm, euclidean, rounding, inputs })
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
