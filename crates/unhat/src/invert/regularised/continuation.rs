//! The curve of stationary points over the scale of the weights, followed by arc length through its folds.
//!
//! F(x, ν) = H(g − c) + e^ν Kx = 0 joins the solution without regulariser (ν = −∞) to the minimiser of the regulariser
//! (ν = +∞). Where it crosses ν = 0 lies a stationary point of L; where it turns back in ν, minima are born or die.

use super::objective::{Objective, Place};
use super::trust_region::{DescentOptions, descend};
use crate::error::Result;
use crate::linalg::{self, dot, norm};
use crate::run::Run;

/// What happens at a fold as the weights grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// A minimum and a saddle appear.
    Born,
    /// A minimum and a saddle meet and vanish.
    Dies,
}

impl FoldKind {
    /// The word used in results.
    pub fn name(self) -> &'static str {
        match self {
            FoldKind::Born => "born",
            FoldKind::Dies => "dies",
        }
    }
}

/// A scale of the weights at which two stationary points meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fold {
    /// t: the fold belongs to the weights t·w. From a cubic through two points of the curve, good to about three digits.
    pub weight_scale: f64,
    /// What happens as t grows.
    pub direction: FoldKind,
    /// Negative eigenvalues of ∇²L on the lower of the two branches: 0 where one of them is a minimum.
    pub index: usize,
}

/// A stationary point of L met by the curve.
pub(super) struct Crossing {
    pub x: Vec<f64>,
    /// A step off x along the most negative curvature, where the point is no minimum.
    pub downhill: Option<Vec<f64>>,
}

/// What one walk along the curve met.
pub(super) struct Trace {
    pub crossings: Vec<Crossing>,
    pub folds: Vec<Fold>,
    /// The walk ended at the other end of ν after an odd number of crossings.
    pub complete: bool,
}

/// The curve is followed between these scales of μ = e^ν: at the first the regulariser is a perturbation, at the last the
/// fit is.
const LEAST_SCALE: f64 = 1e-6;
const LARGEST_SCALE: f64 = 1e8;
/// Largest relative change of a slack in one step: at first, and in the two tries after a failed self-check.
const STEP_CAPS: [f64; 3] = [0.3, 0.1, 0.04];
/// Largest change of ν in one step.
const SCALE_CAP: f64 = 1.0;
/// Steps of one walk; 40 to 80 are the rule.
const MAX_STEPS: usize = 1500;
const MAX_CORRECTIONS: usize = 8;
/// A corrector that moves further than this has left the curve.
const CORRECTION_CAP: f64 = 0.5;
const CORRECTION_DONE: f64 = 1e-6;
/// Shorter steps than this make no progress.
const SHORTEST_STEP: f64 = 1e-7;
/// How far a saddle is left along its downhill axis, in relative slack change.
const SADDLE_STEP: f64 = 0.05;

/// Which end a walk begins at.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    /// Near the solution without regulariser.
    SmallWeights,
    /// Near the minimiser of the regulariser, where the cell holds no solution without one.
    LargeWeights,
}

/// Walks from `x` near one end to the other; walks again with shorter steps where the self-check fails (the curve joins
/// the two ends, so a walk that jumped to another branch mostly ends on the wrong side or crosses ν = 0 an even number
/// of times), and returns the last walk.
///
/// # Cost
/// Two to four evaluations of L with its curvature a step: about ten descents.
pub(super) fn follow(
    objective: &Objective<'_>,
    x: &[f64],
    end: End,
    options: DescentOptions,
    run: &Run<'_>,
) -> Result<Trace> {
    let mut trace = Trace { crossings: Vec::new(), folds: Vec::new(), complete: false };
    for cap in STEP_CAPS {
        trace = walk(objective, x, end, cap, options, run)?;
        if trace.complete {
            break;
        }
    }
    Ok(trace)
}

fn walk(
    objective: &Objective<'_>,
    x: &[f64],
    end: End,
    step_cap: f64,
    options: DescentOptions,
    run: &Run<'_>,
) -> Result<Trace> {
    let mut trace = Trace { crossings: Vec::new(), folds: Vec::new(), complete: false };
    let (lowest, highest) = (LEAST_SCALE.ln(), LARGEST_SCALE.ln());
    let nu = if end == End::SmallWeights { lowest } else { highest };
    let polished = objective.scaled((0.5 * nu).exp());
    let Some(first) = polished.at(x, run)? else { return Ok(trace) };
    let x = descend(&polished, first, options, &mut |_: &Place, _| {}, run)?.place.base.x;
    let Some(mut here) = Spot::at(objective, &x, nu, run)? else { return Ok(trace) };
    let outward = vec![0.0; x.len()].into_iter().chain([if end == End::SmallWeights { 1.0 } else { -1.0 }]).collect();
    let Some(mut tangent) = here.tangent(outward) else { return Ok(trace) };
    let mut length = 0.3; // of the first step
    for _ in 0..MAX_STEPS {
        run.check()?;
        let Some((next, corrections, taken)) = here.step(&tangent, length, step_cap, objective, run)? else {
            return Ok(trace);
        };
        let secant = next.from(&here);
        let Some(next_tangent) = next.tangent(secant.clone()) else { return Ok(trace) };
        if let Some(fold) = fold_between(&here, tangent[x.len()], &next, next_tangent[x.len()], norm(&secant)) {
            trace.folds.push(fold);
        }
        if (here.nu < 0.0) != (next.nu < 0.0)
            && let Some(crossing) = crossing_between(&here, &next, objective, run)?
        {
            trace.crossings.push(crossing);
        }
        length = if corrections <= 2 { (1.7 * taken).min(20.0) } else { taken };
        (here, tangent) = (next, next_tangent);
        let arrived = match end {
            End::SmallWeights => here.nu > highest,
            End::LargeWeights => here.nu < lowest,
        };
        let returned = here.nu > highest + 1.0 || here.nu < lowest - 1.0;
        if arrived || returned {
            trace.complete = arrived && trace.crossings.len() % 2 == 1;
            return Ok(trace);
        }
    }
    Ok(trace)
}

/// A point of the (x, ν) space with the derivatives of F there, all in coordinates whitened by L at x.
struct Spot {
    place: Place,
    nu: f64,
    /// L⁻¹F.
    defect: Vec<f64>,
    /// L⁻¹ ∂F/∂x L⁻ᵀ, the Hessian of L at weights e^{ν/2}w.
    hessian: Vec<f64>,
    /// L⁻¹ ∂F/∂ν = e^ν L⁻¹Kx.
    pull: Vec<f64>,
}

impl Spot {
    fn at(objective: &Objective<'_>, x: &[f64], nu: f64, run: &Run<'_>) -> Result<Option<Spot>> {
        let scaled = objective.scaled((0.5 * nu).exp());
        let Some(place) = scaled.at(x, run)? else { return Ok(None) };
        let curvature = scaled.curvature(&place, run)?;
        Ok(Some(Spot {
            defect: scaled.whitened_gradient(&place, &curvature.hessian),
            hessian: scaled.whitened_hessian(&place, &curvature),
            pull: scaled.whitened_pull(&place),
            nu,
            place,
        }))
    }

    fn dim(&self) -> usize {
        self.pull.len()
    }

    /// The difference to an earlier spot, in the coordinates of this one.
    fn from(&self, earlier: &Spot) -> Vec<f64> {
        let h: Vec<f64> = self.place.base.x.iter().zip(&earlier.place.base.x).map(|(x, y)| x - y).collect();
        let mut u = linalg::lower_transposed_times_vector(self.place.base.factor.lower(), &h);
        u.push(self.nu - earlier.nu);
        u
    }

    /// [∂F/∂x ∂F/∂ν; borderᵀ]⁻¹ [v; last], rows scaled by the diagonal.
    fn bordered_solve(&self, border: &[f64], v: &[f64], last: f64) -> Option<Vec<f64>> {
        let d = self.dim();
        let mut rows = Vec::with_capacity((d + 1) * (d + 1));
        let mut right = Vec::with_capacity(d + 1);
        for i in 0..d {
            let scale = 1.0 / self.hessian[i + i * d].abs().max(f64::MIN_POSITIVE).sqrt();
            rows.extend((0..d).map(|j| scale * self.hessian[i + j * d]));
            rows.push(scale * self.pull[i]);
            right.push(scale * v[i]);
        }
        rows.extend_from_slice(border);
        right.push(last);
        linalg::solve_square(&rows, &right)
    }

    /// The unit tangent of the curve on the side of `towards`.
    fn tangent(&self, towards: Vec<f64>) -> Option<Vec<f64>> {
        let t = self.bordered_solve(&towards, &vec![0.0; self.dim()], 1.0)?;
        let length = norm(&t);
        (length.is_finite() && length > 0.0).then(|| t.iter().map(|v| v / length).collect())
    }

    /// x + L⁻ᵀu.
    fn moved(&self, u: &[f64]) -> Vec<f64> {
        let h = self.place.base.factor.half_solve_transposed(u);
        self.place.base.x.iter().zip(&h).map(|(x, h)| x + h).collect()
    }

    /// ‖A_x L⁻ᵀu‖∞ = ‖Uu‖∞.
    fn slack_change(&self, objective: &Objective<'_>, u: &[f64], run: &Run<'_>) -> Result<f64> {
        let h = self.place.base.factor.half_solve_transposed(u);
        let v = objective.barrier.scaled_rows_times(&self.place.base, &h, run)?;
        Ok(v.iter().fold(0.0, |m: f64, v| m.max(v.abs())))
    }

    /// One predictor–corrector step: the next spot, its number of corrections, and the length that worked.
    fn step(
        &self,
        tangent: &[f64],
        length: f64,
        step_cap: f64,
        objective: &Objective<'_>,
        run: &Run<'_>,
    ) -> Result<Option<(Spot, usize, f64)>> {
        let d = self.dim();
        let change = self.slack_change(objective, &tangent[..d], run)?;
        let longest =
            (step_cap / change.max(f64::MIN_POSITIVE)).min(SCALE_CAP / tangent[d].abs().max(f64::MIN_POSITIVE));
        let mut length = length.min(longest);
        while length >= SHORTEST_STEP {
            run.check()?;
            let u: Vec<f64> = tangent[..d].iter().map(|t| length * t).collect();
            let (x, nu) = (self.moved(&u), self.nu + length * tangent[d]);
            if let Some((spot, corrections)) = self.corrected(tangent, x, nu, objective, run)? {
                return Ok(Some((spot, corrections, length)));
            }
            length *= 0.5;
        }
        Ok(None)
    }

    /// Newton's method back to the curve in the plane orthogonal to the tangent.
    fn corrected(
        &self,
        tangent: &[f64],
        mut x: Vec<f64>,
        mut nu: f64,
        objective: &Objective<'_>,
        run: &Run<'_>,
    ) -> Result<Option<(Spot, usize)>> {
        let d = self.dim();
        let along = self.place.base.factor.half_solve_transposed(&tangent[..d]);
        for corrections in 0..MAX_CORRECTIONS {
            let Some(spot) = Spot::at(objective, &x, nu, run)? else { return Ok(None) };
            let mut border = linalg::lower_transposed_times_vector(spot.place.base.factor.lower(), &along);
            border.push(tangent[d]);
            let right: Vec<f64> = spot.defect.iter().map(|f| -f).collect();
            let Some(step) = spot.bordered_solve(&border, &right, 0.0) else { return Ok(None) };
            let size = spot.slack_change(objective, &step[..d], run)? + step[d].abs();
            if size.is_nan() || size > CORRECTION_CAP {
                return Ok(None);
            }
            if size < CORRECTION_DONE {
                return Ok(Some((spot, corrections)));
            }
            x = spot.moved(&step[..d]);
            nu += step[d];
        }
        Ok(None)
    }

    /// Eigenvalues and eigenvectors of the Hessian.
    fn eigen(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        linalg::symmetric_eigen(&self.hessian, self.dim())
    }

    fn index(&self) -> usize {
        linalg::symmetric_eigenvalues(&self.hessian, self.dim()).map_or(0, |l| l.iter().filter(|l| **l < 0.0).count())
    }
}

/// The extremum of the cubic in ν through two spots and their slopes, where the slopes have opposite signs.
fn fold_between(a: &Spot, slope_a: f64, b: &Spot, slope_b: f64, length: f64) -> Option<Fold> {
    if slope_a * slope_b >= 0.0 {
        return None;
    }
    let (p, q, rise) = (length * slope_a, length * slope_b, b.nu - a.nu);
    let slope = |t: f64| p + 2.0 * (3.0 * rise - 2.0 * p - q) * t + 3.0 * (p + q - 2.0 * rise) * t * t;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(middle) * p > 0.0 { low = middle } else { high = middle }
    }
    let t = low;
    let nu = a.nu + t * (p + t * ((3.0 * rise - 2.0 * p - q) + t * (p + q - 2.0 * rise)));
    Some(Fold {
        weight_scale: (0.5 * nu).exp(),
        direction: if slope_a > 0.0 { FoldKind::Dies } else { FoldKind::Born },
        index: a.index().min(b.index()),
    })
}

/// The stationary point at ν = 0 between two spots, by Newton's method on ∇L from the chord.
fn crossing_between(a: &Spot, b: &Spot, objective: &Objective<'_>, run: &Run<'_>) -> Result<Option<Crossing>> {
    let d = a.dim();
    let share = a.nu / (a.nu - b.nu);
    let mut x: Vec<f64> = a.place.base.x.iter().zip(&b.place.base.x).map(|(a, b)| a + share * (b - a)).collect();
    let mut spot = Spot::at(objective, &x, 0.0, run)?;
    for _ in 0..MAX_CORRECTIONS {
        let Some(here) = &spot else { return Ok(None) };
        let Some(step) = newton_step(here) else { break };
        let size = here.slack_change(objective, &step, run)?;
        if !(CORRECTION_DONE..=CORRECTION_CAP).contains(&size) {
            break;
        }
        x = here.moved(&step);
        match Spot::at(objective, &x, 0.0, run)? {
            Some(next) => spot = Some(next),
            None => break,
        }
    }
    let Some(spot) = spot else { return Ok(None) };
    let mut downhill = None;
    if let Some((values, axes)) = spot.eigen()
        && values[0] < 0.0
    {
        let change = spot.slack_change(objective, &axes[..d], run)?;
        let axis: Vec<f64> = axes[..d].iter().map(|v| SADDLE_STEP / change * v).collect();
        downhill = Some(spot.place.base.factor.half_solve_transposed(&axis));
    }
    Ok(Some(Crossing { x: spot.place.base.x, downhill }))
}

fn newton_step(spot: &Spot) -> Option<Vec<f64>> {
    let d = spot.dim();
    let (values, axes) = spot.eigen()?;
    let mut step = vec![0.0; d];
    for (axis, value) in axes.chunks_exact(d).zip(&values) {
        let share = -dot(axis, &spot.defect) / value;
        step.iter_mut().zip(axis).for_each(|(s, a)| *s += share * a);
    }
    step.iter().all(|v| v.is_finite()).then_some(step)
}
