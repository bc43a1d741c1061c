//! Metrics near Q at a point: from the Hessian, from K, or from Q at an earlier point.

use crate::barrier::Point;
use crate::linalg::{self, norm};
use crate::oracle::LocalMetric;

/// From the Cholesky factor of the whitened Hessian: Q ≼ H, and H is what the certificate's theorem is about.
pub(super) fn of_hessian(point: &Point, whitened: &[f64]) -> LocalMetric {
    LocalMetric { factor: in_x(point, whitened), dual: 1.0, primal: 1.0 }
}

/// From the Cholesky factor of the whitened K: Q ≼ K ≼ 3Q.
pub(super) fn of_k(point: &Point, whitened: &[f64]) -> LocalMetric {
    LocalMetric { factor: in_x(point, whitened), dual: 3f64.sqrt(), primal: 1.0 }
}

/// L·C: the factor in the coordinates of x.
fn in_x(point: &Point, whitened: &[f64]) -> Vec<f64> {
    let d = point.x.len();
    let mut product = vec![0.0; d * d];
    linalg::add_product(point.factor.lower(), whitened, d, d, d, &mut product);
    product
}

/// Q at an earlier point, and what it says at later ones.
///
/// β = minᵢ σᵢ(x)sᵢ(x_q)²/(σᵢ(x_q)sᵢ(x)²) gives Q(x) ≽ βQ_q, and the maximum the other side.
#[derive(Clone)]
pub(super) struct AnchoredMetric {
    factor: Vec<f64>,
    /// σᵢ/sᵢ² at the anchor.
    row_weights: Vec<f64>,
}

impl AnchoredMetric {
    /// From the Cholesky factor of the whitened Q at `point`.
    pub fn new(point: &Point, whitened: &[f64]) -> AnchoredMetric {
        AnchoredMetric { factor: in_x(point, whitened), row_weights: row_weights(point).collect() }
    }

    /// The metric at another point, by comparing row by row.
    ///
    /// # Cost
    /// O(n).
    pub fn at(&self, point: &Point) -> LocalMetric {
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        for (here, anchor) in row_weights(point).zip(&self.row_weights).filter(|(_, anchor)| **anchor > 0.0) {
            least = least.min(here / anchor);
            most = most.max(here / anchor);
        }
        LocalMetric { factor: self.factor.clone(), dual: 1.0 / least.sqrt(), primal: most.sqrt() }
    }
}

fn row_weights(point: &Point) -> impl Iterator<Item = f64> + '_ {
    point.scores.iter().zip(&point.inverse_slack).map(|(sigma, r)| sigma * r * r)
}

impl LocalMetric {
    /// Upper bound of ‖v‖_{Q⁻¹}.
    pub fn dual_norm(&self, v: &[f64]) -> f64 {
        self.dual * norm(&linalg::solve_lower(&self.factor, v))
    }

    /// Upper bound of ‖v‖_Q.
    pub fn norm(&self, v: &[f64]) -> f64 {
        self.primal * norm(&linalg::lower_transposed_times_vector(&self.factor, v))
    }

    /// Upper bound of 1/√λ_min(Q): the largest singular value of F⁻¹, times `dual`.
    pub fn inverse_root_bound(&self, d: usize) -> f64 {
        let inverse = linalg::invert_lower(&self.factor, d);
        // The eigenvalue of F⁻ᵀF⁻¹ carries rounding of its own size only.
        self.dual * crate::gram::largest_singular_squared(&inverse, d).sqrt() * (1.0 + 1e-6)
    }
}
