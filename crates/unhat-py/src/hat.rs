//! The way back from hat values: weights, and with a family coefficients.

use crate::data::{Data, Vector, lent};
use crate::facts::{Colophon, written};
use crate::failure::{named, option, raised};
use crate::given::parsed;
use crate::history::{Steps, steps};
use crate::influence::tool;
use crate::inverted::Names;
use crate::work::compute_and_tell;
use pyo3::prelude::*;
use std::time::SystemTime;
use unhat::families::{Family, Link};
use unhat::invert::hat::page::{HatPage, HatSubject};
use unhat::invert::hat::{
    ColumnReport, HatCheckpoint, HatCoefficients, HatInversion, HatModel, HatOptions, HatPrecision, HatReport,
    HatStatus, OutcomeReport, ResidualKind, fingerprint_of_hat, invert_column as hidden_column, invert_hat as invert,
    invert_hat_of_model, invert_outcomes as hidden_outcomes,
};
use unhat::invert::{StartKind, StartReport};
use unhat::rows::{RowSource, Shape};
use unhat::solve::State;
use unhat::{ErrorKind, Result};
use unhat_io::SolveFile;

/// The options of an inversion of hat values.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct HatArguments {
    ridge: f64,
    digits: Option<u32>,
    decimals: Option<u32>,
    family: Option<String>,
    link: Option<String>,
    theta: Option<f64>,
    tol: f64,
    max_iter: u32,
    seed: u64,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
    checkpoint: Option<String>,
    names: Names,
}

/// Vectors with a value for each row, or one for all.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct HatVectors<'py> {
    widths: Option<Vector<'py>>,
    noise: Option<Vector<'py>>,
    trials: Option<Vector<'py>>,
    offset: Option<Vector<'py>>,
}

/// Weights from hat values, and with a family coefficients: the command line's JSON, what the page draws, and the steps.
#[pyfunction]
#[pyo3(signature = (matrix, target, vectors, options))]
pub(crate) fn invert_hat<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    target: Vector<'py>,
    vectors: HatVectors<'py>,
    options: HatArguments,
) -> PyResult<(String, String, Steps)> {
    let to_python = |error| raised(py, &error);
    let mut colophon = Colophon::start(options.seed, matrix.notes());
    let rows = matrix.rows().map_err(to_python)?;
    let target = lent(target.as_slice().ok()).map_err(to_python)?;
    let precision = precision(options.digits, options.decimals, &vectors).map_err(to_python)?;
    let model = options.model(&vectors, target.len()).map_err(to_python)?;
    let chosen =
        HatOptions { ridge: options.ridge, precision, tolerance: options.tol, max_iterations: options.max_iter };
    let seed = options.seed;
    let ((found, fit), threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), |run| {
        let solve = |checkpoint: Option<HatCheckpoint<'_>>| match &model {
            Some(model) => invert_hat_of_model(&rows, target, model, (&chosen, seed), checkpoint, run),
            None => Ok((invert(&rows, target, &chosen, checkpoint, run)?, None)),
        };
        match &options.checkpoint {
            Some(path) => kept_in_file(path, fingerprint_of_hat(&rows, target, &chosen)?, solve),
            None => solve(None),
        }
    })?;
    colophon.warnings.extend(found.warnings.iter().cloned());
    colophon.warnings.extend(fit.iter().flat_map(|fit| fit.warnings.iter().cloned()));
    let call = ("unhat.invert_hat", threads);
    let subject = hat_subject(call, (&options.names, rows.shape()), &chosen.precision, &colophon);
    let page = written(py, &HatPage::of_weights(&found, fit.as_ref(), subject))?;
    let text = colophon.object(py, ("invert hat", threads), HatReport::of(&found, fit.as_ref()), None)?;
    Ok((text, page, steps(&found.history)))
}

/// What the page says of a call.
fn hat_subject(
    (call, threads): (&str, usize),
    (names, shape): (&Names, Shape),
    precision: &HatPrecision,
    colophon: &Colophon,
) -> HatSubject {
    HatSubject {
        tool: tool(call, colophon, threads),
        created_utc: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        matrix: names.table.clone(),
        shape: (shape.rows, shape.columns),
        column_names: Some(names.columns.clone()).filter(|columns| !columns.is_empty()),
        target: names.target.clone(),
        precision: precision.clone(),
        warnings: colophon.warnings.clone(),
    }
}

/// The page, HTML, from what it draws.
#[pyfunction]
pub(crate) fn hat_page(py: Python<'_>, facts: &str) -> PyResult<String> {
    let drawn = serde_json::from_str(facts).and_then(|facts| unhat_report::hat_page(&facts));
    drawn.map_err(|error| {
        raised(py, &ErrorKind::Numerical { reason: format!("the inversion cannot be drawn: {error}") }.into())
    })
}

type Found = (HatInversion, Option<HatCoefficients>);

/// Inverts with the state in a file, the command line's, and goes on from there to the same bits.
fn kept_in_file(
    path: &str,
    fingerprint: u64,
    solve: impl FnOnce(Option<HatCheckpoint<'_>>) -> Result<Found>,
) -> Result<Found> {
    let (mut file, resume) = SolveFile::open(path, fingerprint)?;
    let start = StartReport { kind: StartKind::Origin, passes: 0.0, seconds: 0.0 };
    let (resumed, mut latest) = (resume.is_some(), None::<State>);
    let mut save = |state: &State| {
        latest = Some(state.clone());
        file.save_now_and_then(state, &[], &start)
    };
    let outcome = solve(Some(HatCheckpoint { resume: resume.map(|saved| saved.state), save: &mut save }));
    match (&outcome, latest) {
        (Ok((found, _)), _) if matches!(found.status, HatStatus::Solved | HatStatus::Impossible) => file.remove(),
        (Ok(_), Some(state)) => file.save(&state, &[], &start)?,
        (Err(error), Some(state)) if matches!(error.kind(), ErrorKind::Interrupted) => {
            file.save(&state, &[], &start)?
        }
        // An error is final: nothing of this run is left behind.
        (Err(_), _) if !resumed => file.remove(),
        _ => {}
    }
    outcome
}

fn copied(vector: &Option<Vector<'_>>) -> Result<Option<Vec<f64>>> {
    vector.as_ref().map(|vector| Ok(lent(vector.as_slice().ok())?.to_vec())).transpose()
}

impl HatArguments {
    /// The model, where a family is named.
    fn model(&self, vectors: &HatVectors<'_>, rows: usize) -> Result<Option<HatModel>> {
        let (trials, offset) = (copied(&vectors.trials)?, copied(&vectors.offset)?);
        let Some(family) = parsed::<Family>(self.family.as_deref())? else {
            let given = [
                ("link", self.link.is_some()),
                ("theta", self.theta.is_some()),
                ("trials", trials.is_some()),
                ("offset", offset.is_some()),
            ];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((name, _)) => Err(option(name, "belongs to a family; give family too")),
                None => Ok(None),
            };
        };
        let mut model = HatModel::new(family, parsed::<Link>(self.link.as_deref())?, self.theta)?;
        model.trials = trials.map(|trials| if trials.len() == 1 { vec![trials[0]; rows] } else { trials });
        model.offset = offset;
        Ok(Some(model))
    }
}

/// At most one word on how exactly the scores are known.
pub(crate) fn precision(digits: Option<u32>, decimals: Option<u32>, vectors: &HatVectors<'_>) -> Result<HatPrecision> {
    let (widths, noise) = (copied(&vectors.widths)?, copied(&vectors.noise)?);
    let given = [digits.is_some(), decimals.is_some(), widths.is_some(), noise.is_some()];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(option("digits", "give one of digits, decimals, widths and noise"));
    }
    Ok(match (digits, decimals, widths, noise) {
        (Some(digits), ..) => HatPrecision::Digits(digits),
        (_, Some(decimals), ..) => HatPrecision::Decimals(decimals),
        (_, _, Some(widths), _) => HatPrecision::Widths(widths),
        (_, _, _, Some(noise)) => HatPrecision::Noise(noise),
        _ => HatPrecision::Exact,
    })
}

/// The options of what hat values hide.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct HiddenArguments {
    digits: Option<u32>,
    decimals: Option<u32>,
    seed: u64,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
    names: Names,
}

const RESIDUALS: [ResidualKind; 3] = [ResidualKind::Cook, ResidualKind::Deviance, ResidualKind::Pearson];

/// The responses of a logistic fit from hat values and one residual a row: the command line's JSON, and what the page draws.
#[pyfunction]
#[pyo3(signature = (matrix, target, kind, residuals, vectors, options))]
pub(crate) fn invert_outcomes<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    target: Vector<'py>,
    kind: &str,
    residuals: Vector<'py>,
    vectors: HatVectors<'py>,
    options: HiddenArguments,
) -> PyResult<(String, String)> {
    let to_python = |error| raised(py, &error);
    let mut colophon = Colophon::start(options.seed, matrix.notes());
    let rows = matrix.rows().map_err(to_python)?;
    let target = lent(target.as_slice().ok()).map_err(to_python)?;
    let residuals = lent(residuals.as_slice().ok()).map_err(to_python)?;
    let kind = named("residuals", kind, &RESIDUALS, ResidualKind::name).map_err(to_python)?;
    let precision = precision(options.digits, options.decimals, &vectors).map_err(to_python)?;
    let chosen = HatOptions { precision, ..HatOptions::default() };
    let seed = options.seed;
    let (found, threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), |run| {
        hidden_outcomes(&rows, target, (kind, residuals), (&chosen, seed), run)
    })?;
    colophon.warnings.extend(found.weights.warnings.iter().cloned());
    colophon.warnings.extend(found.fit.iter().flat_map(|fit| fit.warnings.iter().cloned()));
    colophon.warnings.extend(found.warnings.iter().cloned());
    let call = ("unhat.invert_outcomes", threads);
    let subject = hat_subject(call, (&options.names, rows.shape()), &chosen.precision, &colophon);
    let page = written(py, &HatPage::of_outcomes(&found, subject))?;
    Ok((colophon.object(py, ("invert outcomes", threads), OutcomeReport::of(&found), None)?, page))
}

/// A hidden column of a linear fit from its hat values: the command line's JSON, and what the page draws.
#[pyfunction]
#[pyo3(signature = (matrix, target, vectors, options))]
pub(crate) fn invert_column<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    target: Vector<'py>,
    vectors: HatVectors<'py>,
    options: HiddenArguments,
) -> PyResult<(String, String)> {
    let to_python = |error| raised(py, &error);
    let colophon = Colophon::start(options.seed, matrix.notes());
    let rows = matrix.rows().map_err(to_python)?;
    let target = lent(target.as_slice().ok()).map_err(to_python)?;
    let precision = precision(options.digits, options.decimals, &vectors).map_err(to_python)?;
    let seed = options.seed;
    let (found, threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), |run| {
        hidden_column(&rows, target, &precision, seed, run)
    })?;
    let call = ("unhat.invert_column", threads);
    let subject = hat_subject(call, (&options.names, rows.shape()), &precision, &colophon);
    let page = written(py, &HatPage::of_column(&found, subject))?;
    Ok((colophon.object(py, ("invert column", threads), ColumnReport::of(&found), None)?, page))
}
