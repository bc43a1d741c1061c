//! What several tests need: the target of a point at full accuracy, and an inversion with given options.

use unhat::barrier::Barrier;
use unhat::gram::FactorMethod;
use unhat::invert::{Inversion, InvertOptions, Solver, Start, invert_gradient};
use unhat::rows::{DenseRows, RowSource};
use unhat::{Result, Run};

/// g at x with the most accurate factor.
pub fn gradient_at(source: &dyn RowSource, offset: &[f64], x: &[f64]) -> Vec<f64> {
    let run = Run::default();
    let barrier = Barrier::around(source, offset, x, &run).unwrap();
    barrier.set_precision(FactorMethod::Tsqr);
    barrier.at(x, false, &run).unwrap().expect("inside its own cell").gradient
}

pub fn invert(a: &[f64], d: usize, b: &[f64], c: &[f64], start: &Start<'_>, solver: Solver) -> Result<Inversion> {
    let options = InvertOptions { solver, ..InvertOptions::default() };
    invert_gradient(&DenseRows::new(a, d)?, b, c, start, &options, None, &Run::default())
}

#[allow(dead_code)]
pub fn centre(a: &[f64], d: usize, b: &[f64], start: &Start<'_>, solver: Solver) -> Result<Inversion> {
    invert(a, d, b, &vec![0.0; d], start, solver)
}

#[allow(dead_code)]
pub const SOLVERS: [Solver; 4] = [Solver::Exact, Solver::Cg, Solver::Coreset, Solver::Surrogate];
