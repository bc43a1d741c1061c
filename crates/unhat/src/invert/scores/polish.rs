//! Levenberg–Marquardt on the scores, damped in the metric A_xᵀΣ²A_x: the second-order method, and the polish of a lift.

use super::fit::{FitPoint, Region, ScoreFit};
use super::step_equations::StepEquations;
use crate::error::Result;
use crate::linalg::dot;
use crate::run::{Event, Run};
use crate::solve::{Status, Step};

/// When a fit stops.
#[derive(Clone, Copy, Debug)]
pub(super) struct FitOptions {
    /// Largest relative change of a slack by the last step.
    pub tolerance: f64,
    /// Steps allowed.
    pub max_iterations: u32,
}

/// How a fit ended.
pub(super) struct FitEnd<'a> {
    pub at: FitPoint<'a>,
    pub status: Status,
    pub history: Vec<Step>,
}

/// No slack may lose more than this share in one step while the cell is fixed: M stays within a factor of 400.
const SLACK_LOSS_CAP: f64 = 0.95;
/// Damping at the start, in units of the metric: JᵀJ is about four times the metric, so this is nearly Gauss–Newton.
const FIRST_DAMPING: f64 = 1e-3;
/// Below this the damping changes no bit that matters.
const LEAST_DAMPING: f64 = 1e-14;
/// Beyond this a rejected step means that no direction descends.
const MOST_DAMPING: f64 = 1e8;
/// A step must gain this share of the predicted decrease.
const LEAST_GAIN: f64 = 1e-4;
/// A misfit of this many roundings of the target cannot be lowered.
const ROUNDINGS: f64 = 0.5;

/// Minimises ½‖σ(x) − σ̂‖² from `start`.
///
/// (JᵀJ + λD) h = −Jᵀ(σ − σ̂),  D = A_xᵀΣ²A_x
///
/// # Cost
/// A step: one evaluation and the equations of [`StepEquations`].
/// # Errors
/// Whatever the rows report. None when `start` lies on a facet or outside the region.
/// # References
/// Levenberg1944; Marquardt1963.
pub(super) fn levenberg_marquardt<'a>(
    fit: &ScoreFit<'a>,
    start: &[f64],
    region: &Region,
    options: &FitOptions,
    run: &Run<'_>,
) -> Result<Option<FitEnd<'a>>> {
    let Some(mut at) = fit.at(start, region, run)? else { return Ok(None) };
    let mut history = vec![first_step(&at, run)];
    let floor = ROUNDINGS * f64::EPSILON * fit.release.size();
    let mut damping = Damping { value: least_damping(fit, &at, FIRST_DAMPING), confirmed: false };
    loop {
        let status = if at.misfit() <= floor {
            Some(Status::Solved)
        } else if history.len() as u32 > options.max_iterations {
            Some(Status::IterationLimit)
        } else {
            match damped_step(fit, &at, region, &mut damping, options, run) {
                Ok(Advance::To(next, step)) => {
                    next.inherit(&at);
                    record(&mut history, &next, step, run);
                    at = *next;
                    damping.value = least_damping(fit, &at, damping.value);
                    let settled = step.largest_change <= options.tolerance;
                    (settled && damping.confirms()).then_some(Status::Solved)
                }
                Ok(Advance::End(status)) => Some(status),
                Err(e) if e.is_interrupted() => Some(Status::Interrupted),
                Err(e) => return Err(e),
            }
        };
        if let Some(status) = status {
            return Ok(Some(FitEnd { at, status, history }));
        }
    }
}

enum Advance<'a> {
    To(Box<FitPoint<'a>>, Taken),
    End(Status),
}

/// A step that was taken.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    /// Largest |change of a slack| relative to the slack; infinite where the step was cut at the boundary.
    pub largest_change: f64,
    /// √(2·predicted decrease).
    pub decrement: f64,
    /// Share of the full step.
    pub length: f64,
}

/// One accepted step; the damping grows until one is found.
fn damped_step<'a>(
    fit: &ScoreFit<'a>,
    at: &FitPoint<'a>,
    region: &Region,
    damping: &mut Damping,
    options: &FitOptions,
    run: &Run<'_>,
) -> Result<Advance<'a>> {
    let equations = StepEquations::at(fit, at, run)?;
    let mut growth = 4.0;
    loop {
        run.check()?;
        let Some(solution) = equations.solve(damping.value, run)? else {
            if damping.value > MOST_DAMPING {
                return Ok(Advance::End(Status::Stalled));
            }
            damping.value *= 100.0;
            continue;
        };
        let h = at.point.factor.half_solve_transposed(&solution.whitened);
        let relative = at.barrier.scaled_rows_times(&at.point, &h, run)?;
        let length = capped_length(&relative, region);
        let slope = dot(&equations.gradient, &solution.whitened);
        let predicted = -(length * slope + 0.5 * length * length * solution.curvature);
        let change = length * relative.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
        let x: Vec<f64> = at.point.x.iter().zip(&h).map(|(x, h)| x + length * h).collect();
        let next = fit.at(&x, region, run)?;
        let gained = |next: &FitPoint<'_>| (at.objective - next.objective) / predicted;
        let gain = next.as_ref().filter(|_| predicted > 0.0).map_or(-1.0, gained);
        match next {
            Some(next) if gain > LEAST_GAIN => {
                damping.value = match gain {
                    g if g > 0.75 => damping.value * 0.1,
                    g if g < 0.25 => damping.value * 4.0,
                    _ => damping.value,
                };
                let largest_change = if length == 1.0 { change } else { f64::INFINITY };
                let taken = Taken { largest_change, decrement: (2.0 * predicted).sqrt(), length };
                return Ok(Advance::To(Box::new(next), taken));
            }
            rejected => {
                if let Some(rejected) = &rejected {
                    at.inherit(rejected);
                }
                // Rounding hides the gain of a step this short.
                if change <= options.tolerance {
                    if damping.confirms() {
                        return Ok(Advance::End(Status::Solved));
                    }
                } else if damping.value > MOST_DAMPING {
                    return Ok(Advance::End(Status::Stalled));
                } else {
                    damping.value *= growth;
                    growth *= 2.0;
                }
            }
        }
    }
}

/// λ, and whether a short step was already tried without it.
struct Damping {
    value: f64,
    confirmed: bool,
}

impl Damping {
    /// Whether a short step means that the solution is near: damping also shortens steps along directions of which the
    /// scores tell little, so that the first short step is repeated without it.
    fn confirms(&mut self) -> bool {
        let confirms = self.confirmed || self.value <= LEAST_DAMPING;
        if !confirms {
            self.value = LEAST_DAMPING;
            self.confirmed = true;
        }
        confirms
    }
}

/// The damping, but no more than the square of the relative misfit: enough for a quadratic rate, and nothing for the polish
/// of a lift.
fn least_damping(fit: &ScoreFit<'_>, at: &FitPoint<'_>, damping: f64) -> f64 {
    let share = at.misfit() / fit.release.size();
    damping.min(share * share).max(LEAST_DAMPING)
}

/// 1, or what keeps every slack of a fixed cell above a twentieth of itself.
pub(super) fn capped_length(relative: &[f64], region: &Region) -> f64 {
    match region {
        Region::Anywhere => 1.0,
        Region::Cell(_) => {
            let worst = relative.iter().fold(0.0, |a: f64, v| a.min(*v));
            if worst < 0.0 { (SLACK_LOSS_CAP / -worst).min(1.0) } else { 1.0 }
        }
    }
}

pub(super) fn first_step(at: &FitPoint<'_>, run: &Run<'_>) -> Step {
    let step = Step {
        iteration: 0,
        passes: 1,
        work: at.barrier.work(),
        decrement: f64::INFINITY,
        residual: at.misfit(),
        step_length: 0.0,
        certificate: None,
    };
    run.tell(Event::Step(&step));
    step
}

/// Adds the point that a step led to.
pub(super) fn record(history: &mut Vec<Step>, next: &FitPoint<'_>, taken: Taken, run: &Run<'_>) {
    let step = Step {
        iteration: history.len() as u32,
        passes: next.barrier.passes(),
        work: next.barrier.work(),
        decrement: taken.decrement,
        residual: next.misfit(),
        step_length: taken.length,
        certificate: None,
    };
    run.tell(Event::Step(&step));
    history.push(step);
}
