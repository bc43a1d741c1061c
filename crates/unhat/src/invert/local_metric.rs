//! Metrics near Q at a point: from the Hessian, from K, or from Q at an earlier point.

use crate::barrier::Point;
use crate::gram::Root;
use crate::linalg::norm;
use crate::oracle::LocalMetric;

/// From the Cholesky factor of the whitened Hessian: Q ≼ H, and H is what the certificate's theorem is about.
pub(super) fn of_hessian(point: &Point, whitened: &[f64]) -> LocalMetric {
    LocalMetric { root: in_x(point, whitened), dual: 1.0, primal: 1.0 }
}

/// From the root of K: Q ≼ K ≼ 3Q.
pub(super) fn of_k(root: Root) -> LocalMetric {
    LocalMetric { root, dual: 3f64.sqrt(), primal: 1.0 }
}

/// L·C.
pub(super) fn in_x(point: &Point, whitened: &[f64]) -> Root {
    Root::of_whitened(point.factor.shared_lower().clone(), whitened.to_vec())
}

/// Q at an earlier point, and what it says at later ones.
///
/// β = minᵢ σᵢ(x)sᵢ(x_q)²/(σᵢ(x_q)sᵢ(x)²) gives Q(x) ≽ βQ_q, and the maximum the other side.
#[derive(Clone)]
pub(super) struct AnchoredMetric {
    root: Root,
    /// σᵢ/sᵢ² at the anchor.
    row_weights: Vec<f64>,
}

impl AnchoredMetric {
    /// From the Cholesky factor of the whitened Q at `point`.
    pub fn new(point: &Point, whitened: &[f64]) -> AnchoredMetric {
        AnchoredMetric { root: in_x(point, whitened), row_weights: row_weights(point).collect() }
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
        LocalMetric { root: self.root.clone(), dual: 1.0 / least.sqrt(), primal: most.sqrt() }
    }
}

fn row_weights(point: &Point) -> impl Iterator<Item = f64> + '_ {
    point.scores.iter().zip(&point.inverse_slack).map(|(sigma, r)| sigma * r * r)
}

impl LocalMetric {
    /// Upper bound of ‖v‖_{Q⁻¹}.
    pub fn dual_norm(&self, v: &[f64]) -> f64 {
        self.dual * norm(&self.root.half_solve(v))
    }

    /// Upper bound of ‖v‖_Q.
    pub fn norm(&self, v: &[f64]) -> f64 {
        self.primal * norm(&self.root.transposed_times(v))
    }

    /// Upper bound of max ‖v‖₂/‖v‖_Q: 1/√λ_min(Q), or where v is to be measured in other units, columns times powers of
    /// two, that of max ‖Dv‖₂/‖v‖_Q.
    pub fn inverse_root_bound(&self, d: usize, units: Option<&[i32]>) -> f64 {
        let bound = match units {
            None => self.root.inverse_norm_bound(d).sqrt(),
            Some(powers) => self.root.inverse_norm_bound_in(powers),
        };
        self.dual * bound
    }
}
