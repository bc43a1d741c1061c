//! What a solver needs to know of a function: its domain, and its value and gradient at a point.

use crate::error::Result;
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
    /// x.
    fn x<'p>(&self, point: &'p Self::Point) -> &'p [f64];
    /// f(x).
    fn value(&self, point: &Self::Point) -> f64;
    /// ∇f(x).
    fn gradient<'p>(&self, point: &'p Self::Point) -> &'p [f64];
    /// The largest t for which x + t·h stays in the closed domain.
    fn step_to_boundary(&self, point: &Self::Point, h: &[f64], run: &Run<'_>) -> Result<f64>;
    /// The decrement that rounding of the inputs alone causes: below it nothing can be gained.
    fn rounding_floor(&self, point: &Self::Point, run: &Run<'_>) -> Result<f64>;
    /// Switches to the next more accurate way of evaluating; false if there is none.
    fn refine(&self) -> bool;
    /// Evaluations at a new x so far, and all sweeps in the same unit.
    fn effort(&self) -> (u32, f64);
}

/// A Newton step and how far it says the solution is.
#[derive(Clone, Debug)]
pub struct NewtonStep {
    /// −B⁻¹∇f.
    pub direction: Vec<f64>,
    /// Upper bound on the Newton decrement ‖∇f‖ in the metric Q⁻¹, Q ≼ ∇²f.
    pub decrement: f64,
    /// Cholesky factor of the whitened Hessian, where the curvature is exact.
    pub hessian: Option<Vec<f64>>,
}

/// Where the second-order model of a step comes from.
pub trait Curvature<O: Oracle + ?Sized> {
    /// Whether evaluations should bring the metric along.
    fn needs_metric(&self) -> bool;
    /// The step at a point. `iteration` keys the randomness of sampled curvatures.
    fn step(&mut self, oracle: &O, point: &O::Point, iteration: u32, run: &Run<'_>) -> Result<NewtonStep>;
}
