//! The way back from a gradient or from scores.

use crate::data::{Data, Vector, lent};
use crate::facts::{Colophon, written};
use crate::failure::{named, raised};
use crate::hat::{HatVectors, precision};
use crate::history::{Steps, steps};
use crate::inverted::{Names, subject};
use crate::work::compute_and_tell;
use pyo3::prelude::*;
use unhat::barrier::Side;
use unhat::invert::page::{self, InversionPage, Subject};
use unhat::invert::report::{DiagonalReport, NoiseSpread, RegularisedReport, SolveReport};
use unhat::invert::scores::ScoreInversionReport;
use unhat::invert::scores::{ScoreInvertOptions, ScoreMethod, ScoreStart, gradient_covariance};
use unhat::invert::{
    Checkpoint, DiagonalInversion, GradientRequest, Inversion, InvertOptions, MinimaSought, RegularisedInversion,
    RegularisedOptions, SavedSolve, ScoreSource, Solver, SolverChoice, Start, StartReport, fingerprint_of_inversion,
    fingerprint_of_regularised, invert_diagonal, invert_regularised, invert_regularised_from,
};
use unhat::rows::RowSource;
use unhat::solve::{State, Status, Step};
use unhat::{ErrorKind, Result, Run};
use unhat_io::{MatrixRows, SolveFile};

const SOLVERS: [Solver; 5] = [Solver::Auto, Solver::Exact, Solver::Cg, Solver::Coreset, Solver::Surrogate];
const SCORES: [ScoreSource; 3] = [ScoreSource::Auto, ScoreSource::Exact, ScoreSource::Sketched];
const METHODS: [ScoreMethod; 6] = [
    ScoreMethod::Auto,
    ScoreMethod::Weights,
    ScoreMethod::Lift,
    ScoreMethod::SecondOrder,
    ScoreMethod::Newton,
    ScoreMethod::FirstOrder,
];
/// The solver that there is beside weights only.
const DIAGONAL: &str = "diagonal";

/// The options of an inversion of the gradient.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct GradientOptions {
    upper: bool,
    solver: String,
    scores: String,
    tol: f64,
    max_iter: u32,
    noise: Option<f64>,
    prove: bool,
    minima: String,
    seed: u64,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
    checkpoint: Option<String>,
    target_scale: f64,
    names: Names,
}

/// The problem, lent.
struct Problem<'a> {
    rows: MatrixRows<'a>,
    offset: &'a [f64],
    target: &'a [f64],
    start: Start<'a>,
    weights: Option<&'a [f64]>,
}

/// What was found, of the three kinds of answers.
enum Found {
    Plain(Box<Inversion>, Option<NoiseSpread>),
    Regularised(Box<RegularisedInversion>),
    Diagonal(Box<DiagonalInversion>),
}

/// The x of a cell with g(x) = c, or with weights the minima beside a regulariser; `command` is what the object calls it.
/// The parts are the command line's JSON, what the page draws, and the steps.
#[pyfunction]
#[pyo3(signature = (command, matrix, offset, target, start, signs, weights, options))]
#[allow(clippy::too_many_arguments)] // the data of one call; the options are one argument
pub(crate) fn invert_gradient<'py>(
    py: Python<'py>,
    command: &str,
    matrix: Data<'py>,
    offset: Vector<'py>,
    target: Vector<'py>,
    start: Option<Vector<'py>>,
    signs: Option<Vector<'py>>,
    weights: Option<Vector<'py>>,
    options: GradientOptions,
) -> PyResult<(String, String, Steps)> {
    let to_python = |error| raised(py, &error);
    let mut colophon = Colophon::start(options.seed, matrix.notes());
    let request = options.request(weights.is_some()).map_err(to_python)?;
    let released = lent(target.as_slice().ok()).map_err(to_python)?;
    let target: Vec<f64> = released.iter().map(|c| c / options.target_scale).collect();
    let problem = Problem {
        rows: matrix.rows().map_err(to_python)?,
        offset: lent(offset.as_slice().ok()).map_err(to_python)?,
        target: &target,
        start: Start {
            point: optional(&start).map_err(to_python)?,
            signs: optional(&signs).map_err(to_python)?,
            side: options.upper.then_some(Side::Below),
        },
        weights: optional(&weights).map_err(to_python)?,
    };
    let progress = options.progress.as_ref();
    let (found, threads) =
        compute_and_tell(py, options.threads, progress, |run| solve(&problem, &request, &options, run))?;
    colophon.warnings.extend_from_slice(found.warnings());
    let page = found.page(subject(command, (&options.names, problem.rows.shape(), &target), &colophon, threads));
    let call = (command, threads);
    let text = match &found {
        Found::Plain(found, spread) => {
            colophon.object(py, call, SolveReport::of(found, spread.as_ref()), Some(&found.x))
        }
        Found::Regularised(found) => colophon.object(py, call, RegularisedReport::of(found), Some(&found.x)),
        Found::Diagonal(found) => colophon.object(py, call, DiagonalReport::of(found), Some(&found.x)),
    }?;
    Ok((text, written(py, &page)?, steps(found.history())))
}

impl Found {
    /// What the page draws.
    fn page(&self, subject: Subject<'_>) -> InversionPage {
        match self {
            Found::Plain(found, spread) => {
                let spread = spread.as_ref().map(|spread| (spread.noise, spread.standard_errors.as_slice()));
                page::of_gradient(found, spread, subject)
            }
            Found::Regularised(found) => page::of_regularised(found, subject),
            Found::Diagonal(found) => page::of_diagonal(found, subject),
        }
    }

    fn warnings(&self) -> &[String] {
        match self {
            Found::Plain(found, _) => &found.warnings,
            Found::Regularised(found) => &found.warnings,
            Found::Diagonal(_) => &[],
        }
    }

    fn history(&self) -> &[Step] {
        match self {
            Found::Plain(found, _) => &found.history,
            Found::Regularised(found) => &found.history,
            Found::Diagonal(found) => &found.history,
        }
    }
}

fn optional<'a>(vector: &'a Option<Vector<'_>>) -> Result<Option<&'a [f64]>> {
    vector.as_ref().map(|vector| lent(vector.as_slice().ok())).transpose()
}

impl GradientOptions {
    /// With the words read, and refused where it cannot be had.
    fn request(&self, weights: bool) -> Result<GradientRequest> {
        let solver = match self.solver == DIAGONAL {
            true => SolverChoice::Diagonal,
            false => SolverChoice::Named(named("solver", &self.solver, &SOLVERS, Solver::name)?),
        };
        let request = GradientRequest {
            solver,
            scores: named("scores", &self.scores, &SCORES, ScoreSource::name)?,
            weights,
            prove: self.prove,
            minima: MinimaSought::from_name(&self.minima)?,
            checkpoint: self.checkpoint.is_some(),
            noise: self.noise,
            target_scale: self.target_scale,
        };
        request.check()?;
        Ok(request)
    }
}

fn solve(problem: &Problem<'_>, request: &GradientRequest, options: &GradientOptions, run: &Run<'_>) -> Result<Found> {
    let Problem { rows, offset, target, start, weights } = problem;
    let Some(weights) = weights else {
        let chosen = InvertOptions {
            solver: request.solver.without_weights()?,
            scores: request.scores,
            tolerance: options.tol,
            max_iterations: options.max_iter,
            seed: options.seed,
            certify: false,
        };
        let found = match &options.checkpoint {
            Some(path) => resumable(path, problem, &chosen, run)?,
            None => unhat::invert::invert_gradient(rows, offset, target, start, &chosen, None, run)?,
        };
        // Noise is given in the units of the target as it was released.
        let spread = match options.noise.map(|noise| noise / options.target_scale.abs()) {
            Some(noise) => Some(NoiseSpread::of(gradient_covariance(rows, offset, &found.point, noise, run)?, noise)),
            None => None,
        };
        return Ok(Found::Plain(Box::new(found), spread));
    };
    let chosen = RegularisedOptions {
        tolerance: options.tol,
        max_iterations: options.max_iter,
        seed: options.seed,
        prove: options.prove,
        minima: request.minima,
        ..RegularisedOptions::default()
    };
    if request.solver == SolverChoice::Diagonal {
        let found = invert_diagonal(rows, offset, target, weights, start, &chosen, run)?;
        return Ok(Found::Diagonal(Box::new(found)));
    }
    let chosen = RegularisedOptions { curvature: request.solver.beside_weights()?, ..chosen };
    let found = match &options.checkpoint {
        Some(path) => resumable_minima(path, problem, weights, &chosen, run)?,
        None => invert_regularised(rows, offset, target, weights, start, &chosen, run)?,
    };
    Ok(Found::Regularised(Box::new(found)))
}

/// A search that is kept in a file.
fn resumable_minima(
    path: &str,
    problem: &Problem<'_>,
    weights: &[f64],
    options: &RegularisedOptions,
    run: &Run<'_>,
) -> Result<RegularisedInversion> {
    let Problem { rows, offset, target, start, .. } = problem;
    let given = (*offset, *target, weights);
    let fingerprint = fingerprint_of_regularised(rows, given, start, options)?;
    let solve =
        |checkpoint: Checkpoint<'_>| invert_regularised_from(rows, given, start, options, Some(checkpoint), run);
    kept_in_file(path, fingerprint, solve, |found| found.status)
}

/// A solve that is kept in a file.
fn resumable(path: &str, problem: &Problem<'_>, options: &InvertOptions, run: &Run<'_>) -> Result<Inversion> {
    let Problem { rows, offset, target, start, .. } = problem;
    let fingerprint = fingerprint_of_inversion(rows, offset, target, start, options)?;
    let solve = |checkpoint: Checkpoint<'_>| {
        unhat::invert::invert_gradient(rows, offset, target, start, options, Some(checkpoint), run)
    };
    kept_in_file(path, fingerprint, solve, |found| found.status)
}

/// Solves with the state in a file, the command line's, and goes on from there to the same bits.
fn kept_in_file<T>(
    path: &str,
    fingerprint: u64,
    solve: impl FnOnce(Checkpoint<'_>) -> Result<T>,
    status: impl FnOnce(&T) -> Status,
) -> Result<T> {
    let (mut file, resume) = SolveFile::open(path, fingerprint)?;
    let resumed = resume.is_some();
    let mut latest: Option<SavedSolve> = None;
    let mut save = |state: &State, positive: &[bool], start: &StartReport| {
        latest = Some(SavedSolve { state: state.clone(), positive: positive.to_vec(), start: start.clone() });
        file.save_now_and_then(state, positive, start)
    };
    let outcome = solve(Checkpoint { resume, save: &mut save });
    let (solved, interrupted) = match &outcome {
        Ok(found) => (status(found) == Status::Solved, false),
        Err(error) => (false, matches!(error.kind(), ErrorKind::Interrupted)),
    };
    match latest {
        _ if solved => file.remove(),
        Some(SavedSolve { state, positive, start }) if outcome.is_ok() || interrupted => {
            file.save(&state, &positive, &start)?
        }
        // An error is final: nothing of this run is left behind.
        _ if !interrupted && !resumed => file.remove(),
        _ => {}
    }
    outcome
}

/// The options of an inversion of scores.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ScoresOptions {
    upper: bool,
    method: String,
    digits: Option<u32>,
    decimals: Option<u32>,
    tol: f64,
    max_iter: Option<u32>,
    seed: u64,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
    names: Names,
}

/// The x with the released scores, of all rows or of some; `rows` count from 0. The parts are those of `invert_gradient`.
#[pyfunction]
#[pyo3(signature = (matrix, offset, target, rows, start, signs, vectors, options))]
#[allow(clippy::too_many_arguments)] // the data of one call; the options are one argument
pub(crate) fn invert_scores<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    offset: Vector<'py>,
    target: Vector<'py>,
    rows: Option<Vec<usize>>,
    start: Option<Vector<'py>>,
    signs: Option<Vector<'py>>,
    vectors: HatVectors<'py>,
    options: ScoresOptions,
) -> PyResult<(String, String, Steps)> {
    const COMMAND: &str = "invert scores";
    let to_python = |error| raised(py, &error);
    let mut colophon = Colophon::start(options.seed, matrix.notes());
    let source = matrix.rows().map_err(to_python)?;
    let offset = lent(offset.as_slice().ok()).map_err(to_python)?;
    let target = lent(target.as_slice().ok()).map_err(to_python)?;
    let (start, signs) = (optional(&start).map_err(to_python)?, optional(&signs).map_err(to_python)?);
    let known = ScoreStart::of(start, signs, options.upper, matrix.is_polytope()).map_err(to_python)?;
    let chosen = ScoreInvertOptions {
        method: named("method", &options.method, &METHODS, ScoreMethod::name).map_err(to_python)?,
        precision: precision(options.digits, options.decimals, &vectors).map_err(to_python)?,
        tolerance: options.tol,
        max_iterations: options.max_iter,
        seed: options.seed,
    };
    let (found, threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), |run| {
        unhat::invert::scores::invert_scores(&source, offset, target, rows.as_deref(), &known, &chosen, run)
    })?;
    colophon.warnings.extend(known.other_cell(&found.point.slack));
    colophon.warnings.extend(found.warnings.iter().cloned());
    let subject = subject(COMMAND, (&options.names, source.shape(), target), &colophon, threads);
    let page = page::of_scores(&found, &known, subject);
    let values = found.is_recommended().then_some(found.x.as_slice());
    let text = colophon.object(py, (COMMAND, threads), ScoreInversionReport::of(&found), values)?;
    Ok((text, written(py, &page)?, steps(&found.history)))
}
