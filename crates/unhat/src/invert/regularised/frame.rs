//! The Gauss–Newton frame: coordinates in which the Gauss–Newton Hessian is the identity and the rest is diagonal.

use super::objective::{Objective, Place};
use crate::barrier::WhitenedCurvature;
use crate::error::{ErrorKind, Result};
use crate::linalg;

/// Coordinates z with step δ = L⁻ᵀR⁻¹Zz, in which L ≈ L₀ + slopeᵀz + ½ Σ curvatureₖ zₖ².
///
/// J = [L H_w; WᵀL⁻ᵀ] = QR,  q = Qᵀ[g − c; Wᵀx],  E = R⁻ᵀT_wR⁻¹ = Z diag(λ) Zᵀ,  slope = Zᵀq,  curvature = 1 + λ
///
/// H² = HᵀH is never formed: at cond(H) = 8·10⁹ the step keeps seven digits where the formed matrix keeps one.
/// λ > −1 says that ∇²L is positive definite; |λ| are the rates at which plain Gauss–Newton converges.
pub(super) struct Frame {
    /// Rᵀ, lower triangular.
    pub lower: Vec<f64>,
    /// Zᵀq.
    pub slope: Vec<f64>,
    /// 1 + λ, increasing.
    pub curvature: Vec<f64>,
    /// Z, columns.
    pub axes: Vec<f64>,
}

impl Frame {
    pub fn new(objective: &Objective<'_>, place: &Place, curvature: &WhitenedCurvature) -> Result<Frame> {
        let d = objective.dim();
        let (lower, q) = stacked_factor(objective, place, &curvature.hessian);
        let mut e = curvature.third.clone();
        linalg::whiten_symmetric(&lower, d, &mut e);
        if e.iter().chain(&q).any(|v| !v.is_finite()) {
            return Err(
                ErrorKind::Numerical { reason: "the Gauss-Newton Hessian is singular to rounding".into() }.into()
            );
        }
        let Some((lambda, axes)) = linalg::symmetric_eigen(&e, d) else {
            return Err(
                ErrorKind::Numerical { reason: "the eigenvalues of the Hessian of L were not found".into() }.into()
            );
        };
        let slope = (0..d).map(|k| linalg::dot(&axes[k * d..(k + 1) * d], &q)).collect();
        Ok(Frame { lower, slope, curvature: lambda.iter().map(|l| 1.0 + l).collect(), axes })
    }

    /// u = R⁻¹Zz, the step in coordinates whitened by L.
    pub fn whitened(&self, z: &[f64]) -> Vec<f64> {
        let d = z.len();
        let mut along = vec![0.0; d];
        linalg::add_product(&self.axes, z, d, d, 1, &mut along);
        linalg::solve_lower_transposed(&self.lower, &along)
    }

    /// Whether ∇²L is positive definite.
    pub fn strict(&self) -> bool {
        self.curvature[0] > 0.0
    }
}

/// Rᵀ and Qᵀρ of the stacked Jacobian J and ρ = [g − c; Wᵀx], from one factorisation of [J ρ] with its rows sorted by
/// size (rows of very different size lose digits in any other order).
pub(super) fn stacked_factor(objective: &Objective<'_>, place: &Place, hessian: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let d = objective.dim();
    let mut top = vec![0.0; d * d];
    linalg::add_product(place.base.factor.lower(), hessian, d, d, d, &mut top);
    let root = objective.whitened_root(place);
    let fit = (0..d).map(|i| (0..d).map(|j| top[i + j * d]).chain([place.residual[i]]).collect::<Vec<f64>>());
    let regular = (0..d).map(|i| root[i * d..(i + 1) * d].iter().copied().chain([place.pull[i]]).collect::<Vec<f64>>());
    let mut rows: Vec<Vec<f64>> = fit.chain(regular).collect();
    let size = |row: &[f64]| row[..d].iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    linalg::least_squares_factor(&rows.concat(), d)
}
