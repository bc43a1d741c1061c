//! A proven bound on the distance to every x nearby that has the released scores.

use super::fit::FitPoint;
use crate::error::Result;
use crate::gram::largest_singular_squared;
use crate::linalg::{self, norm};
use crate::run::Run;

/// How far an x with the released scores can be from the returned point, if it lies near it at all.
///
/// Every x′ whose slacks differ from those of x by at most the share `within` of them, and whose released scores are
/// those stored (each to half a unit in its last place), has ‖x − x′‖_Q ≤ `q_norm` and ‖x − x′‖₂ ≤ `euclidean`,
/// Q = A_xᵀΣA_x. That there is such an x′ cannot be proven: there are more scores than parameters, and rounded scores may
/// belong to no x at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreCertificate {
    /// Bound in the norm of Q: relative to the slacks, whatever the units.
    pub q_norm: f64,
    /// Bound in the Euclidean norm.
    pub euclidean: f64,
    /// The radius of the box ‖A_x(x′ − x)‖∞ ≤ r in which it holds.
    pub within: f64,
    /// The part of the misfit that is rounding of the scores at x.
    pub rounding: f64,
}

/// ‖d²σ(x + th)/dt²‖ ≤ 28·max|A_xh|·‖h‖_Q.
///
/// With w = A_xh, W = diag(w), m = max|w| and C = UᵀWU:  σ̈ = 6σw² − 8w∘P⁽²⁾w − 6P⁽²⁾w² + 8 diag(PWPWP). In the Euclidean
/// norm ‖σw²‖, ‖w∘P⁽²⁾w‖ and ‖P⁽²⁾w²‖ are at most m‖h‖_Q, because (P⁽²⁾w)ᵢ² ≤ σᵢΣⱼPᵢⱼ²wⱼ²; and
/// ‖diag(PWPWP)‖² = Σ(uᵢᵀC²uᵢ)² ≤ m²Σ‖Cuᵢ‖² = m² wᵀP⁽²⁾w ≤ m²‖h‖_Q². Together 6 + 8 + 6 + 8.
const SECOND_DERIVATIVE: f64 = 28.0;
/// Covers the rounding of the few operations after the eigenvalue.
const ROUND_UP: f64 = 1.0 + 1e-6;
/// Eigenvalues of JᵀJ in the metric Q are at most 16 and accurate to this.
const EIGENVALUE_ROUNDING: f64 = 1e-10;

/// Proves the distance, or not.
///
/// For x′ = x + δ in the box r, σ(x′) − σ(x) = Jδ + E with ‖E‖ ≤ c(r)‖δ‖_Q, c(r) = 14 r (1+r)/(1−r)³: along the segment
/// slacks change by at most the factor 1 ± r, hence w by 1/(1−r) and ‖δ‖_Q by (1+r)/(1−r)². With μ² the least eigenvalue
/// of JᵀJ in the metric Q this gives (μ − c(r))‖δ‖_Q ≤ ‖σ(x) − σ̂‖ + η. The bound from r = the largest box with
/// c(r) ≤ μ/2 puts x′ into a smaller box, whose r gives the final one.
///
/// # Cost
/// One sweep and O(d³).
pub(super) fn prove(
    at: &FitPoint<'_>,
    gram: &[f64],
    weight: &[f64],
    target: &[f64],
    run: &Run<'_>,
) -> Result<Option<ScoreCertificate>> {
    let d = at.barrier.dim();
    let mut q = at.barrier.score_weighted_gram(&at.point, |sigma| sigma, run)?;
    if !linalg::cholesky_in_place(&mut q, d) {
        return Ok(None);
    }
    let mut relative = gram.to_vec();
    linalg::whiten_symmetric(&q, d, &mut relative);
    let Some(values) = linalg::symmetric_eigenvalues(&relative, d) else { return Ok(None) };
    let square = values[0] - EIGENVALUE_ROUNDING;
    if square.is_nan() || square <= 0.0 {
        return Ok(None);
    }
    let mu = square.sqrt();
    let rho = at.barrier.largest_row_norm_squared(&at.point, &q, run)?.sqrt();
    let rounding = at.rounding(weight, run)?;
    let misfit = at.misfit() + rounding + 0.5 * f64::EPSILON * norm(target);
    let within = largest_box(mu);
    let first = misfit / (mu - remainder(within));
    let inner = (rho * first).min(within);
    let left = mu - remainder(inner);
    if left.is_nan() || left <= 0.0 {
        return Ok(None);
    }
    let q_norm = misfit / left * ROUND_UP;
    let mut product = vec![0.0; d * d];
    linalg::add_product(at.point.factor.lower(), &q, d, d, d, &mut product);
    let inverse = linalg::invert_lower(&product, d);
    let euclidean = q_norm * largest_singular_squared(&inverse, d).sqrt() * ROUND_UP;
    Ok(euclidean.is_finite().then_some(ScoreCertificate { q_norm, euclidean, within, rounding }))
}

/// c(r).
fn remainder(r: f64) -> f64 {
    0.5 * SECOND_DERIVATIVE * r * (1.0 + r) / (1.0 - r).powi(3)
}

/// The r with c(r) = μ/2, by bisection from below.
fn largest_box(mu: f64) -> f64 {
    let (mut low, mut high) = (0.0, 0.5);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if remainder(middle) <= 0.5 * mu { low = middle } else { high = middle }
    }
    low
}
