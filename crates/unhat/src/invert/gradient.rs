//! The whole way back: a target gradient, a cell, a start, a solver, and what can be proven of the answer.

use super::answer::{Asked, Inversion, Problem, conclude, refuse_unattainable};
use super::choice::{Choice, SKETCH_COLUMNS, ScoreSource, Solver, choose, sketches};
use super::conjugate::ConjugateGradients;
use super::coreset::Coreset;
use super::exact::ExactHessian;
use super::start::{Start, StartReport, locate};
use super::surrogate::Surrogate;
use super::tilted::{Tilted, TiltedPoint};
use super::units::Units;
use crate::barrier::{Barrier, slack_at};
use crate::error::{ErrorKind, Result};
use crate::gram::PAIRS_BELOW_SHARE;
use crate::oracle::{Curvature, Oracle};
use crate::rows::{CompressedRows, RowSource, require_vector};
use crate::run::{Event, Run};
use crate::solve::{NewtonOptions, State, newton};

/// How the inversion is run.
#[derive(Clone, Debug)]
pub struct InvertOptions {
    /// The curvature.
    pub solver: Solver,
    /// Which scores the first evaluations take.
    pub scores: ScoreSource,
    /// Bound on the Newton decrement in the metric Q: about the largest relative error of a slack.
    pub tolerance: f64,
    /// Newton steps allowed.
    pub max_iterations: u32,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Whether the last point is refined and certified by a gradient in doubled precision whatever that costs (ten to
    /// twenty evaluations); small problems are always.
    pub certify: bool,
}

impl Default for InvertOptions {
    fn default() -> Self {
        InvertOptions {
            solver: Solver::Auto,
            scores: ScoreSource::Auto,
            tolerance: 1e-10,
            max_iterations: 200,
            seed: 0,
            certify: false,
        }
    }
}

/// Saves a state, the signs of its cell and the report of its start.
pub type Save<'a> = dyn FnMut(&State, &[bool], &StartReport) -> Result<()> + 'a;

/// A solve as it stood before a step: what another run goes on from to the same bits.
#[derive(Clone, Debug)]
pub struct SavedSolve {
    /// The point and everything the loop knows.
    pub state: State,
    /// The cell: the sign of each row's slack.
    pub positive: Vec<bool>,
    /// How its first point was found.
    pub start: StartReport,
}

/// Where a run can be picked up: called before every step with a state from which the same bits follow.
pub struct Checkpoint<'a> {
    /// An earlier run.
    pub resume: Option<SavedSolve>,
    /// Saves a state.
    pub save: &'a mut Save<'a>,
}

/// Recovers x from a released leverage score gradient: the one x of the cell with g(x) = c.
///
/// g(x) = −A_xᵀσ = c  ⟺  x minimises φ(x) = V(x) − cᵀx over the cell
///
/// The cell (the signs of Ax − b) must come from somewhere: a start point, signs, or a side; within it the solution is
/// unique. c = 0 gives the volumetric centre.
///
/// # Shapes
/// `source` n×d, `offset` n values, `target` d values.
/// # Cost
/// About ten evaluations (2nd² flops each for dense rows) plus the curvature; see [`predicted_work`](super::predicted_work). Sparse rows whose Gram
/// matrix has a sparse factor: about thirty sparse factorisations and as many selected inverses, and no d×d matrix.
/// # Accuracy
/// The certificate bounds the distance to the exact solution, rounding included.
/// # Errors
/// [`ErrorKind::RankDeficient`], [`ErrorKind::Empty`], [`ErrorKind::NoInterior`], [`ErrorKind::Unattainable`],
/// [`ErrorKind::Undecided`], [`ErrorKind::ZeroSlack`], [`ErrorKind::OutsideCell`], [`ErrorKind::Numerical`] beyond the range
/// of numbers, shapes and non-finite input. Not converging is a status.
/// # Examples
/// ```
/// use unhat::{invert::{invert_gradient, InvertOptions, Start}, rows::DenseRows, Run};
/// // The square −1 < x < 1: its volumetric centre is the origin.
/// let a = [1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0];
/// let rows = DenseRows::new(&a, 2)?;
/// let start = Start { point: Some(&[0.5, -0.3]), ..Start::default() };
/// let found = invert_gradient(&rows, &[-1.0; 4], &[0.0, 0.0], &start, &InvertOptions::default(), None, &Run::default())?;
/// assert!(found.x.iter().all(|x| x.abs() < 1e-12));
/// assert!(found.certificate.unwrap().euclidean < 1e-8);
/// # Ok::<(), unhat::Error>(())
/// ```
/// # References
/// LiSongXuYin2024; Vaidya1996.
pub fn invert_gradient(
    source: &dyn RowSource,
    offset: &[f64],
    target: &[f64],
    start: &Start<'_>,
    options: &InvertOptions,
    checkpoint: Option<Checkpoint<'_>>,
    run: &Run<'_>,
) -> Result<Inversion> {
    let shape = source.shape();
    require_vector("offset", offset, shape.rows)?;
    require_vector("target", target, shape.columns)?;
    require_options(options)?;
    // Rows that lie densely but hold few entries are worth as much as sparse ones.
    let compressed = match options.solver {
        Solver::Auto | Solver::Cg => CompressedRows::of(source, PAIRS_BELOW_SHARE)?,
        _ => None,
    };
    let sparse = compressed.as_ref().map(CompressedRows::rows).transpose()?;
    let source: &dyn RowSource = sparse.as_ref().map_or(source, |rows| rows);
    let (resume, save) = match checkpoint {
        Some(c) => (c.resume, Some(c.save)),
        None => (None, None),
    };
    let (state, positive, report) = match resume {
        Some(SavedSolve { state, positive, start }) => (state, positive, start),
        None => {
            let located = locate(source, offset, start, run)?;
            (State { x: located.x, ..State::default() }, located.positive, located.report)
        }
    };
    let begin = Beginning { state, positive, report };
    let first = if begin.state.origin.is_empty() { &begin.state.x } else { &begin.state.origin };
    let slack = slack_at(source, offset, first, run)?;
    let units = match slack.contains(&0.0) {
        true => None, // told below
        false => Units::around(source, &slack, run)?,
    };
    let Some(units) = units else {
        return solve(&Problem { source, offset, target, units: None, whole: true }, begin, options, save, run);
    };
    let (rows, target) = (units.source(source), units.target(target)?);
    let offset = units.offset(offset);
    let problem =
        Problem { source: &rows, offset: &offset, target: &target, units: Some(&units.columns), whole: units.whole };
    let begin = Beginning { state: Units::state(&begin.state, |x| units.inward(x)), ..begin };
    let mut save = save;
    let mut outward = |state: &State, positive: &[bool], report: &StartReport| match save.as_mut() {
        Some(save) => save(&Units::state(state, |x| units.outward(x)), positive, report),
        None => Ok(()),
    };
    let found = solve(&problem, begin, options, Some(&mut outward), run)?;
    in_units(found, &units)
}

/// Where a solve begins, or goes on.
struct Beginning {
    state: State,
    positive: Vec<bool>,
    report: StartReport,
}

/// What was found, in the units that it was asked for in.
fn in_units(found: Inversion, units: &Units) -> Result<Inversion> {
    let x = units.outward(&found.x);
    let mut certificate = found.certificate;
    // An entry of x that is subnormal was rounded on its way.
    let rounded = x.iter().zip(&found.x).filter(|(x, inner)| x.abs() < f64::MIN_POSITIVE && **inner != 0.0).count();
    if let Some(proof) = certificate.as_mut() {
        proof.euclidean = (proof.euclidean + rounded as f64 * f64::from_bits(1)).max(f64::from_bits(1));
    }
    let certificate = certificate.filter(|proof| proof.euclidean.is_finite());
    let mut point = found.point;
    let finite = |v: &[f64]| v.iter().all(|v| v.is_finite());
    point.factor = point.factor.in_units(&units.columns);
    point.value -= std::f64::consts::LN_2 * units.columns.iter().map(|e| f64::from(*e)).sum::<f64>();
    point.x = units.outward(&point.x);
    point.gradient = units.gradient(&point.gradient);
    point.slack = units.slack(&point.slack);
    point.inverse_slack = point.slack.iter().map(|s| 1.0 / s).collect();
    point.metric = None;
    if ![&x, &point.gradient, &point.slack, &point.inverse_slack].into_iter().all(|v| finite(v)) {
        let reason = "the answer, its slacks or its gradient are beyond the range of numbers: rescale rows and columns";
        return Err(ErrorKind::Numerical { reason: reason.into() }.into());
    }
    let mut warnings = found.warnings;
    if found.certificate.is_some() && certificate.is_none() {
        warnings.push("the proven distance is beyond the range of numbers".into());
    }
    Ok(Inversion { x, certificate, point, warnings, ..found })
}

fn solve(
    problem: &Problem<'_>,
    Beginning { state, positive, report }: Beginning,
    options: &InvertOptions,
    mut save: Option<&mut Save<'_>>,
    run: &Run<'_>,
) -> Result<Inversion> {
    let &Problem { source, offset, target, units, .. } = problem;
    let shape = source.shape();
    let Choice { solver, pattern, reason } = choose(source, options.solver, options.scores, run)?;
    let mut barrier = Barrier::new(source, offset, positive)?;
    let sketched = pattern.is_none() && sketches(options.scores, solver, &shape);
    if let Some(pattern) = pattern {
        barrier.set_pattern(pattern);
    }
    let phi = Tilted { barrier: &barrier, target, units };
    let mut curvature: Box<dyn Curvature<Tilted<'_>>> = match solver {
        Solver::Exact => Box::new(ExactHessian),
        Solver::Cg | Solver::Auto => Box::new(ConjugateGradients),
        Solver::Coreset => Box::new(Coreset::new(options.seed)),
        Solver::Surrogate => Box::new(Surrogate::new(options.seed)),
    };
    if sketched {
        barrier.set_sketch(Some(SKETCH_COLUMNS), options.seed);
    }
    (0..state.refinements).for_each(|_| {
        phi.refine();
    });
    if barrier.sketched() && !state.origin.is_empty() && state.origin != state.x {
        phi.at(&state.origin, false, run)?; // the reference of the control variate
    }
    run.tell(Event::Phase("solving"));
    let Some(first) = phi.at(&state.x, curvature.needs_metric(), run)? else {
        return Err(ErrorKind::Numerical {
            reason: "the start is too near the boundary of the cell to be evaluated".into(),
        }
        .into());
    };
    if !state.history.is_empty() || state.passes > 0 {
        barrier.resume_counts(state.passes, state.work);
    }
    let first_slack = first.base.slack.clone();
    let mut growth_checked = FIRST_GROWTH_CHECK;
    let mut watch = |state: &State, point: &TiltedPoint| {
        if let Some(save) = save.as_mut() {
            save(state, barrier.positive(), &report)?;
        }
        // A cell without end shows as slacks that keep growing; then one linear program decides.
        let ratio = point.base.slack.iter().zip(&first_slack).map(|(s, s0)| s / s0).fold(0.0, f64::max);
        if ratio > growth_checked {
            growth_checked = ratio * 1e3;
            refuse_unattainable(problem, barrier.positive(), run)?;
        }
        Ok(())
    };
    let newton_options = NewtonOptions { tolerance: options.tolerance, max_iterations: options.max_iterations };
    let outcome = newton(&phi, curvature.as_mut(), state, first, &newton_options, &mut watch, run);
    if matches!(&outcome, Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. })) {
        refuse_unattainable(problem, barrier.positive(), run)?; // a way without end leaves the range of numbers
    }
    let outcome = outcome?;
    let tight = options.certify || Barrier::doubled_flops(&shape) <= CHEAP_FLOPS;
    let asked = Asked { solver, reason, start: report, tight, tolerance: options.tolerance };
    conclude(problem, &phi, outcome, asked, run)
}

/// What a gradient in doubled precision may cost unasked, in plain flops: a millisecond, which a run spends anyway.
const CHEAP_FLOPS: f64 = 2e6;

/// Slacks a thousand times those of the start are the first sign of an unbounded cell.
const FIRST_GROWTH_CHECK: f64 = 1e3;

fn require_options(options: &InvertOptions) -> Result<()> {
    if !(options.tolerance > 0.0 && options.tolerance < 1.0) {
        return Err(ErrorKind::Option {
            name: "tol".into(),
            reason: format!("found {}, expected a number between 0 and 1", options.tolerance),
        }
        .into());
    }
    Ok(())
}
