//! What a solver needs to know of a function: its domain, and its value and gradient at a point.

use crate::error::Result;
use crate::gram::Root;
use crate::linalg::norm;
use crate::run::Run;

/// A convex function on an open domain, given by evaluations.
///
/// `at` does the expensive work once; everything else is asked of the oracle together with the point.
pub trait Oracle {
    /// One evaluation: owned data, no borrow of the oracle.
    type Point;

    /// Number of variables.
    fn dim(&self) -> usize;
    /// Evaluates at x; None outside the domain. `metric` asks for what the curvature needs beside the gradient.
    fn at(&self, x: &[f64], metric: bool, run: &Run<'_>) -> Result<Option<Self::Point>>;
    /// The point x.
    fn x<'p>(&self, point: &'p Self::Point) -> &'p [f64];
    /// The value f(x).
    fn value(&self, point: &Self::Point) -> f64;
    /// ∇f(x).
    fn gradient<'p>(&self, point: &'p Self::Point) -> &'p [f64];
    /// ‖∇f(x)‖₂, as it is reported.
    fn residual(&self, point: &Self::Point) -> f64 {
        norm(self.gradient(point))
    }
    /// The largest t for which x + t·h stays in the closed domain.
    fn step_to_boundary(&self, point: &Self::Point, h: &[f64], run: &Run<'_>) -> Result<f64>;
    /// Whether the whole step surely takes less than `share` of every slack, where that can be told without a sweep.
    fn surely_within(&self, point: &Self::Point, step: &NewtonStep, share: f64) -> bool {
        let _ = (point, step, share);
        false
    }
    /// The decrement that rounding of the inputs alone causes: below it nothing can be gained.
    fn rounding_floor(&self, point: &Self::Point, run: &Run<'_>) -> Result<f64>;
    /// An upper estimate of what rounding inside the evaluation does to the decrement: below it a lack of progress is no
    /// surprise.
    fn evaluation_noise(&self, point: &Self::Point) -> f64;
    /// Below this decrement evaluations as they are now are too coarse, and are to be refined; 0: never.
    fn too_coarse_below(&self) -> f64 {
        0.0
    }
    /// A proven bound on the Euclidean distance from the point to the minimiser, from what the step at it brought; None
    /// where that would cost another evaluation.
    fn proven_distance(&self, point: &Self::Point, step: &NewtonStep, run: &Run<'_>) -> Result<Option<f64>> {
        let _ = (point, step, run);
        Ok(None)
    }
    /// Switches to the next more accurate way of evaluating; false if there is none.
    fn refine(&self) -> bool;
    /// Evaluations at a new x so far, and all sweeps in the same unit.
    fn effort(&self) -> (u32, f64);
    /// Continues the counts of an earlier run.
    fn set_effort(&self, effort: (u32, f64));
}

/// A Newton step and how far it says the solution is.
#[derive(Clone, Debug)]
pub struct NewtonStep {
    /// −B⁻¹∇f, or the way to the minimiser of a model.
    pub direction: Vec<f64>,
    /// Upper bound on the Newton decrement ‖∇f‖ in the metric Q⁻¹, Q ≼ ∇²f; far from the solution an estimate will do.
    pub decrement: f64,
    /// A metric at the point, where the curvature has one at hand.
    pub metric: Option<LocalMetric>,
    /// The share of a slack that the step may take.
    pub slack_cap: f64,
    /// The largest t for which x + t·direction stays in the closed domain, where that is known.
    pub reach: Option<f64>,
}

/// No slack may lose more than this share in one Newton step: M stays within a factor of 400 of the last one.
pub const SLACK_LOSS_CAP: f64 = 0.95;

/// A metric B = FFᵀ near Vaidya's Q, and the factors between their norms.
#[derive(Clone, Debug)]
pub struct LocalMetric {
    /// F, in the coordinates of x.
    pub root: Root,
    /// ‖·‖_{Q⁻¹} ≤ `dual`·‖F⁻¹·‖.
    pub dual: f64,
    /// ‖·‖_Q ≤ `primal`·‖Fᵀ·‖.
    pub primal: f64,
}

/// Where the second-order model of a step comes from.
pub trait Curvature<O: Oracle + ?Sized> {
    /// Whether evaluations should bring the metric along.
    fn needs_metric(&self) -> bool;
    /// The step at a point. The number of the point keys the randomness of sampled curvatures.
    fn step(&mut self, oracle: &O, point: &O::Point, arrival: &Arrival, run: &Run<'_>) -> Result<NewtonStep>;
    /// Evaluations became more accurate: what was learned from coarser ones is to be forgotten.
    fn forget(&mut self) {}
    /// What must be remembered, beside the point, to continue to the same bits.
    fn memory(&self) -> Vec<f64> {
        Vec::new()
    }
    /// Takes up what `memory` gave. May evaluate the oracle again.
    fn recall(&mut self, oracle: &O, memory: &[f64], run: &Run<'_>) -> Result<()> {
        let _ = (oracle, memory, run);
        Ok(())
    }
}

/// How a point was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arrival {
    /// Number of the point, from 0.
    pub iteration: u32,
    /// Evaluations of the line search that led here; 0 for a point that was given.
    pub trials: u32,
    /// The share of the full step that was taken.
    pub step_length: f64,
}
