//! What diagnostics of a fit give away, as data and as a page.

use crate::audit::{Options, chosen, not_drawn, word};
use crate::data::{Data, Vector, lent};
use crate::facts::written;
use crate::failure::{option, raised};
use crate::given::parsed;
use crate::work::compute_and_tell;
use pyo3::prelude::*;
use unhat::Result;
use unhat::audit::AuditOptions;
use unhat::audit::fits::report::{FitAuditReport, FitRelease};
use unhat::audit::fits::{AuditedFit, audit_fit as audited};
use unhat::audit::report::ReleaseKind;
use unhat::families::{Family, Link};
use unhat::invert::hat::HatModel;
use unhat::leverage::least_squares;

/// The options of an audit of a fit, beside those of every audit.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct FitOptions {
    family: Option<String>,
    link: Option<String>,
    theta: Option<f64>,
    hidden: Option<usize>,
}

/// The numbers of a fit.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct FitVectors<'py> {
    responses: Option<Vector<'py>>,
    coefficients: Option<Vector<'py>>,
    weights: Option<Vector<'py>>,
    predictor_offset: Option<Vector<'py>>,
}

/// The findings as JSON.
#[pyfunction]
#[pyo3(signature = (matrix, vectors, options))]
pub(crate) fn audit_fit<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    vectors: FitVectors<'py>,
    options: &Bound<'py, PyAny>,
) -> PyResult<String> {
    let (fit, options) = (options.extract::<FitOptions>()?, options.extract::<Options>()?);
    let to_python = |error| raised(py, &error);
    let rows = matrix.rows().map_err(to_python)?;
    let of = |vector: &Option<Vector<'py>>| -> Result<Option<Vec<f64>>> {
        vector.as_ref().map(|vector| Ok(lent(vector.as_slice().ok())?.to_vec())).transpose()
    };
    let responses = of(&vectors.responses).map_err(to_python)?;
    let given = of(&vectors.coefficients).map_err(to_python)?;
    let weights = of(&vectors.weights).map_err(to_python)?;
    let predictor_offset = of(&vectors.predictor_offset).map_err(to_python)?;
    let model = fit.model(weights.clone(), predictor_offset).map_err(to_python)?;
    let release: FitRelease = word("release", &options.release).map_err(to_python)?;
    if options.delta != AuditOptions::default().delta {
        return Err(to_python(option("delta", "belongs to releases of scores and gradients; leave it out")));
    }
    let (threads, progress) = (options.threads, options.progress.as_ref().map(|progress| progress.clone_ref(py)));
    let chosen = chosen(options, ReleaseKind::Scores).map_err(to_python)?;
    let linear = model.is_none() && weights.is_none() && release != FitRelease::Hat;
    let (mut findings, _) = compute_and_tell(py, threads, progress.as_ref(), |run| {
        // Of a linear fit without weights the coefficients follow from table and response.
        let fitted = match (&given, &responses) {
            (None, Some(y)) if linear => Some(least_squares(&rows, y, run)?.x),
            _ => None,
        };
        let fit = AuditedFit {
            release,
            coefficients: given.as_deref().or(fitted.as_deref()),
            weights: weights.as_deref().filter(|_| model.is_none()),
            responses: responses.as_deref(),
            hidden: fit.hidden,
            model: model.clone(),
        };
        audited(&rows, &fit, &chosen, run)
    })?;
    findings.warnings.extend(matrix.notes().iter().cloned());
    written(py, &findings)
}

impl FitOptions {
    /// The model, where a family is named; its weights are known ones.
    fn model(&self, weights: Option<Vec<f64>>, predictor_offset: Option<Vec<f64>>) -> Result<Option<HatModel>> {
        let Some(family) = parsed::<Family>(self.family.as_deref())? else {
            let given = [
                ("link", self.link.is_some()),
                ("theta", self.theta.is_some()),
                ("predictor_offset", predictor_offset.is_some()),
            ];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((name, _)) => Err(option(name, "belongs to a family; give family too")),
                None => Ok(None),
            };
        };
        let mut model = HatModel::new(family, parsed::<Link>(self.link.as_deref())?, self.theta)?;
        (model.trials, model.offset) = (weights, predictor_offset);
        Ok(Some(model))
    }
}

/// The page of the findings, HTML, from their JSON.
#[pyfunction]
pub(crate) fn fit_audit_page(py: Python<'_>, findings: &str) -> PyResult<String> {
    unhat_report::fit_audit_page(&read(py, findings)?).map_err(|error| not_drawn(py, &error))
}

/// The charts of the page, JSON: a list of {question, answer, legend, svg}.
#[pyfunction]
pub(crate) fn fit_audit_images(py: Python<'_>, findings: &str) -> PyResult<String> {
    written(py, &unhat_report::fit_audit_images(&read(py, findings)?))
}

fn read(py: Python<'_>, findings: &str) -> PyResult<FitAuditReport> {
    serde_json::from_str(findings).map_err(|error| not_drawn(py, &error))
}
