//! The way back from hat values: weights, and with a family coefficients.

use crate::data::{Data, Vector, lent};
use crate::facts::Colophon;
use crate::failure::{named, option, raised};
use crate::given::parsed;
use crate::history::{Steps, steps};
use crate::work::compute_and_tell;
use pyo3::prelude::*;
use unhat::Result;
use unhat::families::{Family, Link};
use unhat::invert::hat::{
    ColumnReport, HatModel, HatOptions, HatPrecision, HatReport, OutcomeReport, ResidualKind,
    invert_column as hidden_column, invert_hat as invert, invert_hat_of_model, invert_outcomes as hidden_outcomes,
};

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

/// Weights from hat values, and with a family coefficients: the command line's JSON, and the steps.
#[pyfunction]
#[pyo3(signature = (matrix, target, vectors, options))]
pub(crate) fn invert_hat<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    target: Vector<'py>,
    vectors: HatVectors<'py>,
    options: HatArguments,
) -> PyResult<(String, Steps)> {
    let to_python = |error| raised(py, &error);
    let mut colophon = Colophon::start(options.seed, matrix.notes());
    let rows = matrix.rows().map_err(to_python)?;
    let target = lent(target.as_slice().ok()).map_err(to_python)?;
    let precision = precision(options.digits, options.decimals, &vectors).map_err(to_python)?;
    let model = options.model(&vectors, target.len()).map_err(to_python)?;
    let chosen =
        HatOptions { ridge: options.ridge, precision, tolerance: options.tol, max_iterations: options.max_iter };
    let seed = options.seed;
    let ((found, fit), threads) =
        compute_and_tell(py, options.threads, options.progress.as_ref(), |run| match &model {
            Some(model) => invert_hat_of_model(&rows, target, model, (&chosen, seed), None, run),
            None => Ok((invert(&rows, target, &chosen, None, run)?, None)),
        })?;
    colophon.warnings.extend(found.warnings.iter().cloned());
    colophon.warnings.extend(fit.iter().flat_map(|fit| fit.warnings.iter().cloned()));
    let text = colophon.object(py, ("invert hat", threads), HatReport::of(&found, fit.as_ref()), None)?;
    Ok((text, steps(&found.history)))
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
}

const RESIDUALS: [ResidualKind; 3] = [ResidualKind::Cook, ResidualKind::Deviance, ResidualKind::Pearson];

/// The responses of a logistic fit from hat values and one residual a row: the command line's JSON.
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
) -> PyResult<String> {
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
    colophon.object(py, ("invert outcomes", threads), OutcomeReport::of(&found), None)
}

/// A hidden column of a linear fit from its hat values: the command line's JSON.
#[pyfunction]
#[pyo3(signature = (matrix, target, vectors, options))]
pub(crate) fn invert_column<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    target: Vector<'py>,
    vectors: HatVectors<'py>,
    options: HiddenArguments,
) -> PyResult<String> {
    let to_python = |error| raised(py, &error);
    let colophon = Colophon::start(options.seed, matrix.notes());
    let rows = matrix.rows().map_err(to_python)?;
    let target = lent(target.as_slice().ok()).map_err(to_python)?;
    let precision = precision(options.digits, options.decimals, &vectors).map_err(to_python)?;
    let seed = options.seed;
    let (found, threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), |run| {
        hidden_column(&rows, target, &precision, seed, run)
    })?;
    colophon.object(py, ("invert column", threads), ColumnReport::of(&found), None)
}
