//! Damped Newton: the loop of every second-order method here. What differs between methods is the curvature.

use super::{Status, Step};
use crate::error::{Result, unless_interrupted};
use crate::linalg::dot;
use crate::oracle::{Arrival, Curvature, NewtonStep, Oracle, SLACK_LOSS_CAP};
use crate::run::{Event, Run};

/// When Newton stops.
///
/// # Examples
/// ```
/// use unhat::solve::{NewtonOptions, State, Status, newton};
/// use unhat::oracle::{Arrival, Curvature, NewtonStep, Oracle};
/// use unhat::{Result, Run};
/// # struct Barrier;
/// # impl Oracle for Barrier {
/// #     type Point = [f64; 3];
/// #     fn dim(&self) -> usize { 1 }
/// #     fn at(&self, x: &[f64], _: bool, _: &Run<'_>) -> Result<Option<[f64; 3]>> {
/// #         Ok((x[0] > 0.0).then(|| [x[0], x[0] - x[0].ln(), 1.0 - 1.0 / x[0]]))
/// #     }
/// #     fn x<'p>(&self, p: &'p [f64; 3]) -> &'p [f64] { &p[..1] }
/// #     fn value(&self, p: &[f64; 3]) -> f64 { p[1] }
/// #     fn gradient<'p>(&self, p: &'p [f64; 3]) -> &'p [f64] { &p[2..] }
/// #     fn step_to_boundary(&self, p: &[f64; 3], h: &[f64], _: &Run<'_>) -> Result<f64> {
/// #         Ok(if h[0] < 0.0 { -p[0] / h[0] } else { f64::INFINITY })
/// #     }
/// #     fn rounding_floor(&self, _: &[f64; 3], _: &Run<'_>) -> Result<f64> { Ok(0.0) }
/// #     fn evaluation_noise(&self, _: &[f64; 3]) -> f64 { 0.0 }
/// #     fn refine(&self) -> bool { false }
/// #     fn effort(&self) -> (u32, f64) { (0, 0.0) }
/// #     fn set_effort(&self, _: (u32, f64)) {}
/// # }
/// # struct SecondDerivative;
/// # impl Curvature<Barrier> for SecondDerivative {
/// #     fn needs_metric(&self) -> bool { false }
/// #     fn step(&mut self, _: &Barrier, p: &[f64; 3], _: &Arrival, _: &Run<'_>) -> Result<NewtonStep> {
/// #         let (direction, decrement) = (vec![-p[2] * p[0] * p[0]], (p[2] * p[0]).abs());
/// #         Ok(NewtonStep { direction, decrement, metric: None, slack_cap: 0.95, reach: None })
/// #     }
/// # }
/// // x − log x on x > 0: the decrement is |1 − x|, and each step squares it.
/// let solve = |options: NewtonOptions| {
///     let (run, state) = (Run::default(), State { x: vec![0.5], ..State::default() });
///     let first = Barrier.at(&state.x, false, &run)?.unwrap();
///     newton(&Barrier, &mut SecondDerivative, state, first, &options, &mut |_, _| Ok(()), &run)
/// };
/// let found = solve(NewtonOptions { tolerance: 1e-4, max_iterations: 20 })?;
/// assert_eq!((found.status, found.history.len()), (Status::Solved, 5)); // 2⁻¹, 2⁻², 2⁻⁴, 2⁻⁸, 2⁻¹⁶
/// let short = solve(NewtonOptions { tolerance: 1e-4, max_iterations: 2 })?;
/// assert_eq!((short.status, short.history.len()), (Status::IterationLimit, 3));
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NewtonOptions {
    /// Bound on the Newton decrement in the metric Q.
    pub tolerance: f64,
    /// How many steps are allowed.
    pub max_iterations: u32,
}

/// What a resumed run starts from: with the same data, options and seed it continues to the same bits.
///
/// # Examples
/// ```
/// use unhat::invert::{Checkpoint, InvertOptions, SavedSolve, Start, StartReport, invert_gradient};
/// use unhat::solve::State;
/// use unhat::{Run, rows::DenseRows};
/// # let rows = DenseRows::new(&[1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0], 2)?;
/// # let start = Start { point: Some(&[0.9, -0.7]), ..Start::default() };
/// let solve = |checkpoint: Checkpoint<'_>| {
///     let options = InvertOptions::default();
///     invert_gradient(&rows, &[-1.0; 4], &[0.1, 0.2], &start, &options, Some(checkpoint), &Run::default())
/// };
/// let mut saved = Vec::new();
/// let mut save = |state: &State, positive: &[bool], start: &StartReport| {
///     saved.push(SavedSolve { state: state.clone(), positive: positive.to_vec(), start: start.clone() });
///     Ok(())
/// };
/// let whole = solve(Checkpoint { resume: None, save: &mut save })?;
/// let second = saved.swap_remove(2);
/// assert_eq!(second.state.history.len(), 2); // two steps are behind it
/// let rest = solve(Checkpoint { resume: Some(second), save: &mut |_, _, _| Ok(()) })?;
/// assert_eq!(rest.x, whole.x); // to the last bit
/// # Ok::<(), unhat::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The current point.
    pub x: Vec<f64>,
    /// All steps so far, the one at x not yet included.
    pub history: Vec<Step>,
    /// Number of steps in the history that were taken before the last change of precision.
    pub settled: usize,
    /// How often the precision was raised.
    pub refinements: u32,
    /// The point of least decrement since then, and that decrement.
    pub best: Option<(Vec<f64>, f64)>,
    /// Evaluations including the one at x, and all work.
    pub passes: u32,
    /// All sweeps, in units of one evaluation.
    pub work: f64,
    /// The share of the full step that led to x, and the evaluations that the line search took.
    pub step_length: f64,
    /// Evaluations of the line search that led to x.
    pub trials: u32,
    /// What the curvature remembers.
    pub memory: Vec<f64>,
    /// Where the run began, empty before it did.
    pub origin: Vec<f64>,
}

impl State {
    fn arrival(&self) -> Arrival {
        let iteration = self.history.len() as u32;
        Arrival { iteration, trials: self.trials, step_length: self.step_length }
    }
}

/// How a Newton run ended.
///
/// # Examples
/// ```
/// use unhat::oracle::{Arrival, Curvature, NewtonStep, Oracle};
/// use unhat::solve::{NewtonOptions, State, newton};
/// use unhat::{Result, Run};
/// /// f(x) = x − log x on x > 0; a point is x, f(x) and f′(x).
/// struct Barrier;
/// impl Oracle for Barrier {
///     type Point = [f64; 3];
///     fn at(&self, x: &[f64], _: bool, _: &Run<'_>) -> Result<Option<[f64; 3]>> {
///         Ok((x[0] > 0.0).then(|| [x[0], x[0] - x[0].ln(), 1.0 - 1.0 / x[0]]))
///     }
///     // … and what reads a point.
/// #     fn dim(&self) -> usize { 1 }
/// #     fn x<'p>(&self, p: &'p [f64; 3]) -> &'p [f64] { &p[..1] }
/// #     fn value(&self, p: &[f64; 3]) -> f64 { p[1] }
/// #     fn gradient<'p>(&self, p: &'p [f64; 3]) -> &'p [f64] { &p[2..] }
/// #     fn step_to_boundary(&self, p: &[f64; 3], h: &[f64], _: &Run<'_>) -> Result<f64> {
/// #         Ok(if h[0] < 0.0 { -p[0] / h[0] } else { f64::INFINITY })
/// #     }
/// #     fn rounding_floor(&self, _: &[f64; 3], _: &Run<'_>) -> Result<f64> { Ok(0.0) }
/// #     fn evaluation_noise(&self, _: &[f64; 3]) -> f64 { 0.0 }
/// #     fn refine(&self) -> bool { false }
/// #     fn effort(&self) -> (u32, f64) { (0, 0.0) }
/// #     fn set_effort(&self, _: (u32, f64)) {}
/// }
/// struct SecondDerivative; // f″ = 1/x²
/// impl Curvature<Barrier> for SecondDerivative {
///     fn step(&mut self, _: &Barrier, p: &[f64; 3], _: &Arrival, _: &Run<'_>) -> Result<NewtonStep> {
///         let (direction, decrement) = (vec![-p[2] * p[0] * p[0]], (p[2] * p[0]).abs());
///         Ok(NewtonStep { direction, decrement, metric: None, slack_cap: 0.95, reach: None })
///     }
/// #     fn needs_metric(&self) -> bool { false }
/// }
/// let (run, state) = (Run::default(), State { x: vec![0.5], ..State::default() });
/// let first = Barrier.at(&state.x, false, &run)?.unwrap();
/// let options = NewtonOptions { tolerance: 1e-12, max_iterations: 20 };
/// let found = newton(&Barrier, &mut SecondDerivative, state, first, &options, &mut |_, _| Ok(()), &run)?;
/// assert!((found.point[0] - 1.0).abs() <= 1e-12); // f′(1) = 0
/// assert!(found.history.windows(2).all(|s| (s[1].decrement - s[0].decrement.powi(2)).abs() < 1e-14));
/// # Ok::<(), unhat::Error>(())
/// ```
pub struct NewtonSolution<P> {
    /// The last point, or for a stalled run the best one.
    pub point: P,
    /// The step computed there and not taken.
    pub step: NewtonStep,
    /// How it ended.
    pub status: Status,
    /// The decrement was stopped by rounding of the inputs: the value of that floor.
    pub floor: Option<f64>,
    /// One entry a point.
    pub history: Vec<Step>,
}

/// Trials of one line search; halving thirty times means the direction is useless.
const MAX_TRIALS: u32 = 30;
/// Every method here at least thirds the decrement below this, unless rounding stops it.
const NO_GAIN_BELOW: f64 = 1e-7;
/// A lack of progress above this is no noise, whatever the condition.
const NOISE_AT_MOST: f64 = 1e-3;
/// The rounding floor costs a product with |A|; it can only matter below this decrement.
const FLOOR_MATTERS_BELOW: f64 = 1e-5;

/// Minimises a convex function over its open domain by damped Newton steps.
///
/// xₖ₊₁ = xₖ − tₖ Bₖ⁻¹ ∇f(xₖ), with Bₖ from `curvature` and tₖ from the line rule
///
/// Stops when the Newton decrement in the metric Q ≼ ∇²f is at most the tolerance: a statement about the distance to the
/// minimiser that does not change when x is scaled or A is multiplied from the right. At a stall above the floor the
/// oracle is asked for more precision first.
///
/// `watch` sees every state before its step is computed (to save it, or to stop the run with an error).
///
/// # Shapes
/// `state.x`: d values, strictly inside the domain.
/// # Cost
/// One evaluation of the oracle a step and what `curvature` asks for. Memory: two points.
/// # Errors
/// Whatever oracle, curvature and `watch` report. Running out of steps, stalling and being interrupted are a [`Status`].
/// # References
/// Vaidya1996.
pub fn newton<O: Oracle>(
    oracle: &O,
    curvature: &mut dyn Curvature<O>,
    mut state: State,
    first: O::Point,
    options: &NewtonOptions,
    watch: &mut dyn FnMut(&State, &O::Point) -> Result<()>,
    run: &Run<'_>,
) -> Result<NewtonSolution<O::Point>> {
    let mut point = first;
    if !state.memory.is_empty() {
        let effort = (state.passes, state.work);
        curvature.recall(oracle, &state.memory, run)?;
        oracle.set_effort(effort);
    }
    loop {
        (state.passes, state.work) = oracle.effort();
        state.memory = curvature.memory();
        if state.origin.is_empty() {
            state.origin = state.x.clone();
        }
        watch(&state, &point)?;
        let Some(step) = unless_interrupted(curvature.step(oracle, &point, &state.arrival(), run))? else {
            return Ok(cut_short(oracle, point, state));
        };
        record(oracle, &point, &step, &mut state, run)?;
        let end = |point, step, status, floor, state: State| {
            Ok(NewtonSolution { point, step, status, floor, history: state.history })
        };
        let verdict = unless_interrupted(verdict(oracle, &point, &step, &state, options, run))?;
        match verdict.unwrap_or(Verdict::End(Status::Interrupted, None)) {
            Verdict::End(status, floor) => return end(point, step, status, floor, state),
            Verdict::GoOn if run.stopped() => return end(point, step, Status::Interrupted, None, state),
            Verdict::GoOn => match unless_interrupted(line_rule(oracle, &point, &step, curvature.needs_metric(), run))?
            {
                Some(Some(Landed { next, step_length, trials })) => {
                    point = next;
                    state.x = oracle.x(&point).to_vec();
                    (state.step_length, state.trials) = (step_length, trials);
                    continue;
                }
                Some(None) => {}
                None => return end(point, step, Status::Interrupted, None, state),
            },
            Verdict::Stall => {}
        }
        // No progress at this precision: from the best point on, with more, or that point is the answer.
        let finer = oracle.refine();
        if finer {
            curvature.forget();
        }
        let best = state.best.take().map_or_else(|| oracle.x(&point).to_vec(), |(x, _)| x);
        if !finer && best == oracle.x(&point) {
            return end(point, step, Status::Stalled, None, state);
        }
        state.settled = state.history.len();
        (state.step_length, state.trials) = (0.0, 0);
        state.x = best;
        match unless_interrupted(oracle.at(&state.x, curvature.needs_metric(), run))? {
            Some(Some(p)) => point = p,
            Some(None) => return end(point, step, Status::Stalled, None, state),
            None => return end(point, step, Status::Interrupted, None, state),
        }
        if finer {
            state.refinements += 1;
        } else {
            let Some(step) = unless_interrupted(curvature.step(oracle, &point, &state.arrival(), run))? else {
                return Ok(cut_short(oracle, point, state));
            };
            record(oracle, &point, &step, &mut state, run)?;
            return end(point, step, Status::Stalled, None, state);
        }
    }
}

/// A run that was stopped before the step at its point was known.
fn cut_short<O: Oracle>(oracle: &O, point: O::Point, state: State) -> NewtonSolution<O::Point> {
    let step = NewtonStep {
        direction: vec![0.0; oracle.dim()],
        decrement: f64::INFINITY,
        metric: None,
        slack_cap: SLACK_LOSS_CAP,
        reach: None,
    };
    NewtonSolution { point, step, status: Status::Interrupted, floor: None, history: state.history }
}

fn record<O: Oracle>(oracle: &O, point: &O::Point, step: &NewtonStep, state: &mut State, run: &Run<'_>) -> Result<()> {
    // Where this was interrupted the verdict ends the run.
    let certificate = unless_interrupted(oracle.proven_distance(point, step, run))?.flatten();
    let (passes, work) = oracle.effort();
    let entry = Step {
        iteration: state.history.len() as u32,
        passes,
        work,
        decrement: step.decrement,
        residual: oracle.residual(point),
        step_length: state.step_length,
        certificate,
    };
    run.tell(Event::Step(&entry));
    state.history.push(entry);
    if state.best.as_ref().is_none_or(|(_, least)| step.decrement < *least) {
        state.best = Some((oracle.x(point).to_vec(), step.decrement));
    }
    Ok(())
}

enum Verdict {
    GoOn,
    Stall,
    End(Status, Option<f64>),
}

/// The three ways to stop: solved, at the rounding floor, out of steps; and the sign of a stall.
fn verdict<O: Oracle>(
    oracle: &O,
    point: &O::Point,
    step: &NewtonStep,
    state: &State,
    options: &NewtonOptions,
    run: &Run<'_>,
) -> Result<Verdict> {
    let decrement = step.decrement;
    if decrement < oracle.too_coarse_below() {
        return Ok(Verdict::Stall);
    }
    if decrement <= options.tolerance {
        return Ok(Verdict::End(Status::Solved, None));
    }
    if decrement < FLOOR_MATTERS_BELOW {
        let floor = oracle.rounding_floor(point, run)?;
        if decrement <= floor {
            return Ok(Verdict::End(Status::Solved, Some(floor)));
        }
    }
    let trace = &state.history[state.settled..];
    let before = &trace[..trace.len() - 1];
    let least = |steps: &[Step]| steps.iter().map(|s| s.decrement).fold(f64::INFINITY, f64::min);
    let no_gain = decrement < NOISE_AT_MOST
        && decrement > 0.3 * least(before)
        && decrement < oracle.evaluation_noise(point).clamp(NO_GAIN_BELOW, NOISE_AT_MOST);
    let no_halving = trace.len() > 4
        && decrement < 1e-3
        && least(&trace[trace.len() - 3..]) > 0.5 * least(&trace[..trace.len() - 3]);
    if no_gain || no_halving || !decrement.is_finite() {
        return Ok(Verdict::Stall);
    }
    if state.history.len() as u32 > options.max_iterations {
        return Ok(Verdict::End(Status::IterationLimit, None));
    }
    Ok(Verdict::GoOn)
}

/// A point that the line rule accepted.
struct Landed<P> {
    next: P,
    step_length: f64,
    trials: u32,
}

/// Finds t so that f falls or its slope along the step nearly vanishes; None if the step is no descent.
fn line_rule<O: Oracle>(
    oracle: &O,
    point: &O::Point,
    step: &NewtonStep,
    metric: bool,
    run: &Run<'_>,
) -> Result<Option<Landed<O::Point>>> {
    let direction = &step.direction;
    let slope = dot(oracle.gradient(point), direction);
    if slope.is_nan() || slope >= 0.0 {
        return Ok(None);
    }
    let mut t = match step.reach {
        _ if oracle.surely_within(point, step, step.slack_cap) => 1.0,
        Some(reach) => (step.slack_cap * reach).min(1.0),
        None => (step.slack_cap * oracle.step_to_boundary(point, direction, run)?).min(1.0),
    };
    for trials in 1..=MAX_TRIALS {
        let x: Vec<f64> = oracle.x(point).iter().zip(direction).map(|(x, h)| x + t * h).collect();
        let Some(next) = oracle.at(&x, metric, run)? else {
            t *= 0.5;
            continue;
        };
        let new_slope = dot(oracle.gradient(&next), direction);
        let falls = oracle.value(&next) <= oracle.value(point) + 1e-4 * t * slope;
        // Near the solution values are all rounding; slopes still tell.
        let flat = new_slope <= 0.0 || new_slope <= 0.1 * slope.abs() || (slope.abs() < 1e-10 && t > 0.99);
        if falls || flat {
            return Ok(Some(Landed { next, step_length: t, trials }));
        }
        t *= (slope / (slope - new_slope)).clamp(0.1, 0.7);
    }
    Ok(None)
}
