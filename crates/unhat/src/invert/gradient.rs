//! The whole way back: a target gradient, a cell, a start, a solver, and what can be proven of the answer.

use super::certificate::{Certificate, prove, tighten};
use super::conjugate::ConjugateGradients;
use super::coreset::{Coreset, coreset_size};
use super::exact::ExactHessian;
use super::start::{Start, StartReport, locate};
use super::surrogate::Surrogate;
use super::tilted::{Tilted, TiltedPoint};
use super::units::Units;
use crate::barrier::{Barrier, slack_at};
use crate::error::{ErrorKind, Result};
use crate::feasible::unattainable_direction;
use crate::gram::{FactorMethod, PAIRS_BELOW_SHARE, Pattern, prefers_pairs};
use crate::linalg::norm;
use crate::oracle::{Curvature, Oracle};
use crate::rows::{CompressedRows, RowSource, Shape, require_vector};
use crate::run::{Event, Run};
use crate::solve::{NewtonOptions, NewtonSolution, State, Status, Step, newton};

/// Where the curvature of a Newton step comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// The cheapest by predicted work.
    Auto,
    /// The exact Hessian from third moments.
    Exact,
    /// Conjugate gradients on exact Hessian–vector products.
    Cg,
    /// The Hessian of rows drawn by leverage, after the paper.
    Coreset,
    /// Steps to the minimiser of a coreset's own barrier, corrected to touch φ.
    Surrogate,
}

impl Solver {
    /// The word used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Solver::Auto => "auto",
            Solver::Exact => "exact",
            Solver::Cg => "cg",
            Solver::Coreset => "coreset",
            Solver::Surrogate => "surrogate",
        }
    }
}

/// Which leverage scores the first evaluations take; the last ones are exact always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreSource {
    /// Sketched for cg on sparse rows of 64 entries or more, where it was measured to win; else exact.
    #[default]
    Auto,
    /// Exact scores.
    Exact,
    /// Sketched scores with a control variate while the decrement is above 1.
    Sketched,
}

impl ScoreSource {
    /// The word used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ScoreSource::Auto => "auto",
            ScoreSource::Exact => "exact",
            ScoreSource::Sketched => "sketched",
        }
    }
}

/// Columns of the sketch: a relative error of a quarter, which the damped phase does not feel.
const SKETCH_COLUMNS: usize = 32;

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

/// The recovered parameters and everything known about them.
#[derive(Clone, Debug)]
pub struct Inversion {
    /// x: the last evaluated point, and a last Newton step beyond it when that stays inside.
    pub x: Vec<f64>,
    /// How it ended.
    pub status: Status,
    /// Newton steps taken (the last, unevaluated one not counted).
    pub iterations: u32,
    /// Evaluations at a new x: first, rejected and verifying ones; the start's not.
    pub passes: u32,
    /// Every sweep of the solve in units of one evaluation.
    pub work: f64,
    /// ‖g − c‖₂ at the last evaluated point.
    pub residual: f64,
    /// Upper bound on the Newton decrement there, in the metric of Q⁻¹.
    pub decrement: f64,
    /// ½‖g − c‖².
    pub objective: f64,
    /// The proof, or None.
    pub certificate: Option<Certificate>,
    /// Estimate of cond₂ of A_x at the solution, columns scaled.
    pub condition: f64,
    /// Decimal digits to expect of the scores there.
    pub digits: f64,
    /// |Σσ − d|/d.
    pub score_sum_defect: f64,
    /// The solver that ran.
    pub solver: Solver,
    /// The factorisation used last; `point.factor` says whether M was kept sparse.
    pub factor: FactorMethod,
    /// Why this solver.
    pub reason: String,
    /// How the start was found.
    pub start: StartReport,
    /// One entry a point.
    pub history: Vec<Step>,
    /// Things the caller should know.
    pub warnings: Vec<String>,
    /// Slack, scores and gradient at the last evaluated point.
    pub point: crate::barrier::Point,
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
/// About ten evaluations (2nd² flops each for dense rows) plus the curvature; see [`predicted_work`]. Sparse rows whose Gram
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

/// A, b, c and the units they are in.
struct Problem<'a> {
    source: &'a dyn RowSource,
    offset: &'a [f64],
    target: &'a [f64],
    units: Option<&'a [i32]>,
    /// Whether every entry of A is what it was, times a power of two.
    whole: bool,
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
    let Choice { solver, pattern, reason } = choose(source, options, run)?;
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
    conclude(problem, &phi, outcome, (solver, reason), (report, tight, options.tolerance), run)
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

fn refuse_unattainable(problem: &Problem<'_>, positive: &[bool], run: &Run<'_>) -> Result<()> {
    if !problem.whole {
        return Ok(()); // signs of entries that lost digits would prove nothing
    }
    let proof = match unattainable_direction(problem.source, positive, problem.target, run) {
        // A linear program that fails proves nothing, and ends nothing.
        Err(error) if matches!(error.kind(), ErrorKind::Numerical { .. }) => return Ok(()),
        other => other?,
    };
    match proof {
        Some((mut direction, mut slope)) => {
            if let Some(powers) = problem.units {
                let top = powers.iter().copied().max().unwrap_or(0);
                direction.iter_mut().zip(powers).for_each(|(h, e)| *h = libm::ldexp(*h, e - top));
                let largest = direction.iter().fold(0.0, |most: f64, h| most.max(h.abs()));
                direction.iter_mut().for_each(|h| *h /= largest);
                slope = libm::ldexp(slope, -top) / largest;
            }
            Err(ErrorKind::Unattainable { direction, slope }.into())
        }
        None => Ok(()),
    }
}

fn conclude(
    problem: &Problem<'_>,
    phi: &Tilted<'_>,
    outcome: NewtonSolution<TiltedPoint>,
    (solver, reason): (Solver, String),
    (start, tight, tolerance): (StartReport, bool, f64),
    run: &Run<'_>,
) -> Result<Inversion> {
    let NewtonSolution { point, step, mut status, floor, history } = outcome;
    let (mut warnings, mut certificate) = (Vec::new(), None);
    let mut x = point.base.x.clone();
    // An interrupted run ends at once, without a proof.
    let proof = match status {
        Status::Interrupted => None,
        _ => match prove(phi, &point, &step, run) {
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted) => {
                status = Status::Interrupted;
                None
            }
            other => Some(other?),
        },
    };
    if let Some(proof) = proof {
        let tightened = match tight && matches!(status, Status::Solved | Status::Stalled) {
            true => match tighten(phi, &point, &proof, run) {
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted) => None, // the answer as it is
                other => other?,
            },
            false => None,
        };
        let near = tightened.as_ref().is_some_and(|t| t.certificate.q_norm <= tolerance);
        let at_floor = floor.is_some() || (status == Status::Stalled && (near || step.decrement <= proof.rounding));
        if at_floor {
            let size = floor.unwrap_or(proof.rounding);
            match proof.certificate.or(tightened.as_ref().map(|t| t.certificate)) {
                Some(_) => {
                    status = Status::Solved;
                    warnings.push(format!(
                        "rounding of the inputs stops the decrement at {:.1e} (floor {size:.1e}); no more digits can be had",
                        step.decrement
                    ));
                }
                None => status = Status::Stalled,
            }
        }
        if status == Status::Solved && !at_floor {
            // The decrement may be small by luck where the slacks themselves are rounding.
            let floor = phi.rounding_floor(&point, run)?;
            if floor > tolerance {
                warnings.push(format!(
                    "rounding of the inputs leaves the slacks a relative error of {floor:.1e}; no more digits can be had"
                ));
            }
        }
        if status == Status::Stalled || status == Status::IterationLimit {
            let signs = phi.barrier.positive();
            if proof.certificate.is_none() && tightened.is_none() {
                refuse_unattainable(problem, signs, run)?;
                warnings.push("a solution could not be found, nor ruled out".into());
            }
        }
        certificate = proof.certificate;
        let inside = status == Status::Solved
            && norm(&step.direction) > 0.0
            && (phi.surely_within(&point, &step, 1.0 / LAST_STEP_ROOM)
                || phi.step_to_boundary(&point, &step.direction, run)? > LAST_STEP_ROOM);
        if inside {
            let last: Vec<f64> = x.iter().zip(&step.direction).map(|(x, h)| x + h).collect();
            let moved: Vec<f64> = last.iter().zip(&x).map(|(new, old)| new - old).collect();
            certificate = proof.after_moving(phi, &moved);
            x = last;
        }
        let proven = certificate.map_or(f64::INFINITY, |c: Certificate| c.q_norm);
        if let Some(better) = tightened.filter(|t| t.certificate.q_norm < proven) {
            (x, certificate) = (better.x, Some(better.certificate));
        }
        if certificate.is_none() {
            warnings.push("no distance to the exact solution could be proven at this point".into());
        }
    }
    let d = x.len() as f64;
    let residual = phi.residual(&point);
    if !(point.base.factor.condition().is_finite() && residual.is_finite()) {
        warnings.push("the condition or the residual is beyond the range of numbers".into());
    }
    let factor = &point.base.factor;
    let error = match factor.method() {
        FactorMethod::Cholesky => factor.gram_condition(),
        _ => factor.condition(),
    };
    let (passes, work) = phi.effort();
    Ok(Inversion {
        x,
        status,
        iterations: (history.len() as u32).saturating_sub(1),
        passes,
        work,
        residual,
        decrement: step.decrement,
        objective: 0.5 * residual * residual,
        certificate,
        condition: factor.condition(),
        digits: crate::leverage::digits_left(error, point.base.x.len()),
        score_sum_defect: (point.base.scores.iter().sum::<f64>() - d).abs() / d,
        solver,
        factor: factor.method(),
        reason,
        start,
        history,
        warnings,
        point: point.base,
    })
}

/// The unevaluated last step must leave every slack a share of itself.
const LAST_STEP_ROOM: f64 = 1.01;

/// Flops of one evaluation: 2nd² for dense rows; Σ nnz(aᵢ)² twice and d³ for rows that are treated pair by pair.
fn evaluation_flops(shape: &Shape) -> f64 {
    let (n, d, stored) = (shape.rows as f64, shape.columns as f64, shape.stored as f64);
    match prefers_pairs(shape) {
        true => 2.0 * stored * stored / n + d * d * d,
        false => 2.0 * n * d * d,
    }
}

/// Predicted work of a whole solve in units of one evaluation, from n, d and the number of stored entries alone.
///
/// exact: 11 evaluations and Hessians (n·d³/3 + 2d⁴ flops); cg: 35 in all; coreset: 16 with m = 8 d ln d rows
/// (m·d³/3 + 2d⁴); surrogate: 9, 200 md² for its inner steps and three anchors (2m·d³/3 + 4d⁴ each). The counts of steps
/// are medians over random polytopes (bench/record/passes.txt).
pub fn predicted_work(solver: Solver, shape: &Shape) -> f64 {
    let (n, d) = (shape.rows as f64, shape.columns as f64);
    let evaluation = evaluation_flops(shape);
    let (cube, fourth) = (d * d * d, d * d * d * d);
    match solver {
        Solver::Exact => 11.0 * (1.0 + (n * cube / 3.0 + 2.0 * fourth) / evaluation),
        Solver::Coreset => {
            let m = coreset_size(shape.rows, shape.columns) as f64;
            16.0 * (1.0 + (m * cube / 3.0 + 2.0 * fourth) / evaluation)
        }
        Solver::Cg => 35.0,
        Solver::Surrogate => {
            let global = (3.0 * d * (1.0 + d.ln())).max(0.02 * n).min(n);
            let local = (8.0 * d * (1.0 + d.ln())).min(3.6 * n / d).max(global).min(n);
            let inner = 200.0 * global * d * d;
            let anchors = 3.0 * (2.0 * local * cube / 3.0 + 4.0 * fourth);
            9.0 + 40.0 / d + (inner + anchors) / evaluation
        }
        Solver::Auto => f64::INFINITY,
    }
}

/// Sketched scores pay where a row holds more entries than the sketch needs columns, twice over, and steps are many: a
/// seventh of the time of cg at (100000, 500) with 90 a row (bench/record/sketched_scores.jsonl).
fn sketches(scores: ScoreSource, solver: Solver, shape: &Shape) -> bool {
    let worth = prefers_pairs(shape) && shape.stored >= 2 * SKETCH_COLUMNS * shape.rows && solver == Solver::Cg;
    match scores {
        // The exact Hessian goes through all of U anyway: its scores come free.
        ScoreSource::Sketched => solver != Solver::Exact,
        ScoreSource::Auto => worth,
        ScoreSource::Exact => false,
    }
}

/// Who solves, and on which pattern if the Gram matrix is kept sparse.
struct Choice {
    solver: Solver,
    pattern: Option<Pattern>,
    reason: String,
}

/// The solver of least predicted work. Sparse rows whose Gram matrix has a sparse factor are one more candidate: cg with
/// everything on the pattern of that factor.
fn choose(source: &dyn RowSource, options: &InvertOptions, run: &Run<'_>) -> Result<Choice> {
    let shape = source.shape();
    let (solver, reason) = match options.solver {
        Solver::Auto => choose_solver(&shape),
        chosen => (chosen, "asked for".to_string()),
    };
    let eligible = prefers_pairs(&shape)
        && matches!(options.solver, Solver::Auto | Solver::Cg)
        && options.scores != ScoreSource::Sketched;
    let pattern = if eligible { Pattern::of_rows(source, run)? } else { None };
    let Some(pattern) = pattern else { return Ok(Choice { solver, pattern, reason }) };
    let work = predicted_sparse_work(&pattern, &shape);
    let fill = format!("a sparse Gram factor of {} entries ({:.0e} flops)", pattern.slots(), pattern.flops);
    if work < predicted_work(solver, &shape) {
        let reason = format!("{reason}; cg with {fill} {work:.1}");
        return Ok(Choice { solver: Solver::Cg, pattern: Some(pattern), reason });
    }
    Ok(Choice { solver, pattern: None, reason: format!("{reason}; cg with {fill} would need {work:.0}") })
}

/// Predicted work of cg on the pattern of a sparse factor, in units of one evaluation with a dense Gram matrix.
///
/// 9 evaluations with the metric, of two factorisations and a selected inverse each, and 4 products, of one each in dual
/// numbers, which count thrice: 30 factorisations and 21 selected inverses; and the pairs of 35 sweeps.
fn predicted_sparse_work(pattern: &Pattern, shape: &Shape) -> f64 {
    // Walking through indices against products of matrices: measured with three random entries a row, d = 2000.
    const INDEXED: f64 = 9.0;
    // Searching for the place of a pair against reading it from a square.
    const SEARCHED: f64 = 3.0;
    let pairs = (shape.stored as f64) * (shape.stored as f64) / shape.rows as f64;
    let on_pattern = 30.0 * pattern.flops + 21.0 * 4.0 * pattern.inverse_flops;
    (35.0 * SEARCHED * 2.0 * pairs + INDEXED * on_pattern) / evaluation_flops(shape)
}

fn choose_solver(shape: &Shape) -> (Solver, String) {
    let candidates =
        [Solver::Exact, Solver::Cg, Solver::Coreset, Solver::Surrogate].map(|s| (s, predicted_work(s, shape)));
    let best = candidates.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(Solver::Cg, |c| c.0);
    let list: Vec<String> = candidates.iter().map(|(s, w)| format!("{} {w:.0}", s.name())).collect();
    (best, format!("least predicted work in evaluations: {}", list.join(", ")))
}
