//! Where descents begin: the solution without regulariser, the minimiser of the regulariser alone, random points.

use super::frame::stacked_factor;
use super::objective::{Objective, Place};
use super::trust_region::{DescentOptions, descend};
use crate::error::{ErrorKind, Result};
use crate::invert::gradient::{InvertOptions, invert_gradient};
use crate::invert::start::Start;
use crate::linalg::{self, norm};
use crate::random::uniform_rows_into;
use crate::run::Run;
use crate::solve::Status;

/// How closely the solution without regulariser is wanted.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Accuracy {
    /// To rounding.
    Full,
    /// As a start: the last evaluations are spared.
    Rough,
}

/// The decrement at which a rough solution ends.
const ROUGH: f64 = 0.3;

/// The x of the cell with g(x) = target, from `inside` on; None where an unbounded cell holds none.
///
/// # Errors
/// [`ErrorKind::Interrupted`], and whatever the rows report.
pub(super) fn fit(
    objective: &Objective<'_>,
    target: &[f64],
    inside: &[f64],
    accuracy: Accuracy,
    run: &Run<'_>,
) -> Result<Option<Vec<f64>>> {
    let barrier = objective.barrier;
    let start = Start { point: Some(inside), ..Start::default() };
    let mut options = InvertOptions::default();
    if accuracy == Accuracy::Rough {
        options.tolerance = ROUGH;
    }
    match invert_gradient(barrier.source(), barrier.offset(), target, &start, &options, None, run) {
        Ok(solved) => {
            barrier.resume_counts(barrier.passes() + solved.passes, barrier.work() + solved.work);
            objective.resume_coreset_work(objective.coreset_work() + solved.drawn_work);
            run.check()?;
            Ok((solved.status != Status::Interrupted).then_some(solved.x))
        }
        // A way without end leaves the range of numbers where it is not proven to be one.
        Err(error) if matches!(error.kind(), ErrorKind::Unattainable { .. } | ErrorKind::Numerical { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The barrier's centre, or `inside` where the cell has none.
pub(super) fn from_the_centre(objective: &Objective<'_>, inside: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let zero = vec![0.0; objective.dim()];
    Ok(fit(objective, &zero, inside, Accuracy::Full, run)?.unwrap_or_else(|| inside.to_vec()))
}

/// ‖A_xδ‖∞ of the Gauss–Newton step at a point with Uᵀdiag(3σ − 2σ²)U in the place of H_w.
///
/// # Cost
/// Half an evaluation.
pub(super) fn gauss_newton_change(objective: &Objective<'_>, place: &Place, run: &Run<'_>) -> Result<f64> {
    let metric = linalg::lower_outer_product(&objective.barrier.product_metric(&place.base, run)?, objective.dim());
    let (lower, right) = stacked_factor(objective, place, &metric);
    let step = place.base.factor.half_solve_transposed(&linalg::solve_lower_transposed(&lower, &right));
    objective.largest_change(place, &step, run)
}

/// Factors by which w grows on the way to the regulariser's own minimum, from the barrier's centre on; at the last one
/// the barrier moves the minimiser by about 10⁻⁶ of the slack.
const GROWTH: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];

/// The minimiser of ½‖diag(w)Ax‖² in the cell: 0 where 0 lies inside, else the end of a barrier path from the centre.
pub(super) fn regulariser_minimiser<'c>(
    objective: &Objective<'_>,
    centre: &dyn Fn() -> Result<&'c Vec<f64>>,
    options: DescentOptions,
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let d = objective.dim();
    let signs = objective.barrier.offset().iter().zip(objective.barrier.positive());
    if signs.into_iter().all(|(&b, &positive)| b != 0.0 && (b < 0.0) == positive) {
        return Ok(vec![0.0; d]);
    }
    let zero = vec![0.0; d];
    let mut x = centre()?.clone();
    for growth in GROWTH {
        let path = objective.with_target(&zero).scaled(growth);
        let Some(first) = path.at(&x, run)? else { break };
        x = descend(&path, first, options, &mut |_: &Place, _| {}, run)?.place.base.x;
    }
    Ok(x)
}

/// Random starts: odd ones x = g⁻¹(c + √(2L)·u·τ), so that low values of ‖g − c‖ are met evenly; even ones on the chord
/// from the centre in a random direction, at 0.999·τ^0.3 of the way to the boundary, so that its neighbourhood is met.
pub(super) struct RandomStarts<'c> {
    pub seed: u64,
    /// An interior point, well inside.
    pub centre: &'c [f64],
    /// √(2L) of the best minimum.
    pub radius: f64,
}

/// A chord without end is cut at this multiple of the centre's distance to the nearest facet.
const LONGEST_CHORD: f64 = 1e3;

impl RandomStarts<'_> {
    /// A normal direction and a uniform share, keyed by k.
    fn drawn(&self, d: usize, k: u64) -> (Vec<f64>, f64) {
        let mut uniform = vec![0.0; 2 * d + 1];
        uniform_rows_into(self.seed, STREAM + k, 0, &mut uniform);
        let direction = (0..d).map(|j| normal(uniform[2 * j], uniform[2 * j + 1])).collect();
        (direction, uniform[2 * d])
    }

    pub fn point(&self, objective: &Objective<'_>, k: u64, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let (direction, share) = self.drawn(objective.dim(), k);
        let length = norm(&direction).max(f64::MIN_POSITIVE);
        if k % 2 == 1 {
            let radius = self.radius * share / length;
            let target: Vec<f64> = objective.target.iter().zip(&direction).map(|(c, u)| c + radius * u).collect();
            return fit(objective, &target, self.centre, Accuracy::Full, run);
        }
        self.on_a_chord(objective, k, run)
    }

    /// The even starts.
    pub fn on_a_chord(&self, objective: &Objective<'_>, k: u64, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let (direction, share) = self.drawn(objective.dim(), k);
        let Some(centre) = objective.at(self.centre, run)? else { return Ok(None) };
        let ratio = objective.slack_changes(&centre, &direction, run)?;
        let steepest = ratio.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let end = objective.step_to_boundary(&centre, &direction, run)?.min(LONGEST_CHORD / steepest);
        let t = 0.999 * share.powf(0.3) * end;
        Ok(Some(self.centre.iter().zip(&direction).map(|(x, u)| x + t * u).collect()))
    }
}

/// Separates these draws from those of the coresets, whose streams are iteration numbers.
const STREAM: u64 = 1 << 40;

/// A standard normal number, by the transform of Box and Muller.
fn normal(u: f64, v: f64) -> f64 {
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
