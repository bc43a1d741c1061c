//! What a trust region asks of a second-order model.

use crate::error::Result;
use crate::run::Run;

/// A second-order model of L at a point, in coordinates z of its own in which the Gauss–Newton Hessian is near the identity.
pub(super) trait Model {
    /// ‖slope‖, in z.
    fn slope(&self) -> f64;
    /// The minimiser over ‖z‖ ≤ radius, exact or approximate.
    fn step(&self, radius: f64, run: &Run<'_>) -> Result<BoundedStep>;
}

/// A step of a model.
pub(super) struct BoundedStep {
    /// δ, in x.
    pub h: Vec<f64>,
    /// ‖z‖.
    pub length: f64,
    /// What the model says of L(x + δ) − L(x).
    pub change: f64,
    /// Whether it is the free minimiser of a convex model.
    pub interior: bool,
}
