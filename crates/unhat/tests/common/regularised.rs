//! The problems with a regulariser that several tests solve.

use crate::common::gradient_at;
use unhat::invert::{RegularisedInversion, RegularisedOptions, Start, invert_regularised};
use unhat::rows::DenseRows;
use unhat::{Result, Run};
use unhat_testkit::generate::Polytope;
use unhat_testkit::known::MinimaCase;

pub fn solve_in(case: &MinimaCase, options: &RegularisedOptions, run: &Run<'_>) -> Result<RegularisedInversion> {
    let rows = DenseRows::new(&case.a, case.d)?;
    invert_regularised(&rows, &case.b, &case.c, &case.w, &Start::default(), options, run)
}

pub fn solve(case: &MinimaCase, options: &RegularisedOptions) -> Result<RegularisedInversion> {
    solve_in(case, options, &Run::default())
}

/// The release of the hidden point of a polytope, to be inverted with equal weights.
pub fn case_of(p: Polytope, w: f64) -> MinimaCase {
    let c = gradient_at(&DenseRows::new(&p.a, p.d).unwrap(), &p.b, &p.hidden);
    let name = format!("random {}x{} w {w}", p.n, p.d);
    MinimaCase { name, d: p.d, a: p.a, b: p.b, c, w: vec![w; p.n], complete: false, stationary: Vec::new() }
}

pub fn objectives(found: &RegularisedInversion) -> Vec<f64> {
    found.minima.iter().map(|m| m.objective).collect()
}
