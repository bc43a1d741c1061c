//! From which noise on the Cramér–Rao bound says nothing: χ, how far noise moves a slack relative to the slack itself.
//!
//! The bound is that of the release linearised at x. Scores and gradients change on the scale of the slacks: where noise may
//! move one by as much as it is, the release is no longer linear, and an attack ends somewhere in the cell.

use super::release::Exact;
use super::report::ReleaseKind;
use crate::barrier::Barrier;
use crate::error::Result;
use crate::gram::FactorMethod;
use crate::invert::scores::CramerRao;
use crate::linalg::{self, dot};
use crate::rows::RowSource;
use crate::run::Run;

/// χ up to which the median error was seen within 0.3 and 3 times the bound: for a gradient (0.35 to 1.0 times it where
/// χ < 1, below 0.1 where χ > 30), and where scores are released. There an attack leaves the right cell before the bound
/// passes what the cell leaves open: seen at χ = 0.18 on heavy-tailed rows, not at 0.06.
const LINEAR_GRADIENT: f64 = 0.3;
const LINEAR_SCORES: f64 = 0.05;

/// The χ of a kind of release beyond which its bound says nothing. None where no limit is known: scores and gradient
/// together were seen 4000 times off their bound at χ = 0.001, on heavy-tailed rows.
pub(super) fn linear_up_to(kind: ReleaseKind) -> Option<f64> {
    match kind {
        ReleaseKind::Gradient => Some(LINEAR_GRADIENT),
        ReleaseKind::Scores => Some(LINEAR_SCORES),
        ReleaseKind::Both => None,
    }
}

/// χ for noise 1; None where no bound exists.
///
/// Gradient:  χ = ρ·ν·√tr(H⁻¹),  ρ = maxᵢ ‖a_{x,i}‖ in H⁻¹
/// With scores:  χ = ν·maxᵢ √(a_{x,i}ᵀ(FᵀF)⁻¹a_{x,i}), F the Jacobian of what is released
///
/// The second is the largest relative standard error of a slack; the first bounds it, because H⁻² ≼ tr(H⁻¹)·H⁻¹.
///
/// # Cost
/// A Hessian and a sweep for a gradient; n values otherwise.
pub(super) fn chi(
    source: &dyn RowSource,
    offset: &[f64],
    exact: &Exact,
    kind: ReleaseKind,
    bound: Option<&CramerRao>,
    run: &Run<'_>,
) -> Result<Option<f64>> {
    let Some(bound) = bound else { return Ok(None) };
    let point = &exact.point;
    if kind != ReleaseKind::Gradient {
        let relative = bound.fitted.iter().zip(&point.slack).map(|(error, slack)| error / slack.abs());
        return Ok(Some(relative.fold(0.0, f64::max)).filter(|chi| chi.is_finite()));
    }
    let d = point.x.len();
    let barrier = Barrier::around(source, offset, &point.x, run)?;
    barrier.set_precision(FactorMethod::CholeskyQr2);
    let mut root = barrier.whitened_hessian(point, run)?.h; // H = L H_w Lᵀ, H_w = CCᵀ
    if !linalg::cholesky_in_place(&mut root, d) {
        return Ok(None);
    }
    let rho = barrier.largest_row_norm_squared(point, &root, run)?.sqrt();
    let mut product = vec![0.0; d * d]; // LC
    linalg::add_product(point.factor.lower(), &root, d, d, d, &mut product);
    let inverse = linalg::invert_lower(&product, d);
    Ok(Some(rho * dot(&inverse, &inverse).sqrt()).filter(|chi| chi.is_finite()))
}
