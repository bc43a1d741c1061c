//! What a release gives away, as data and as a page.

use crate::data::{Data, Vector, lent};
use crate::facts::written;
use crate::failure::{option, raised};
use crate::work::compute_and_tell;
use pyo3::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::SystemTime;
use unhat::audit::report::{AuditReport, ReleaseKind};
use unhat::audit::{AuditOptions, Labels};
use unhat::leverage::least_squares;
use unhat::{ErrorKind, Result};

/// The options of an audit, and the names that the findings use.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    pub release: String,
    rows: Option<Vec<usize>>,
    noise: Option<Vec<f64>>,
    round: Option<Vec<u32>>,
    clip: Option<Vec<f64>>,
    top: Option<Vec<usize>>,
    target_error: f64,
    trials: u32,
    pub delta: f64,
    seed: u64,
    report_detail: String,
    pub threads: Option<u16>,
    pub progress: Option<Py<PyAny>>,
    table: String,
    columns: Vec<String>,
    response: Option<String>,
}

/// The findings as JSON. Without x it is the least-squares fit.
#[pyfunction]
#[pyo3(signature = (matrix, offset, x, options))]
pub(crate) fn audit<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    offset: Vector<'py>,
    x: Option<Vector<'py>>,
    options: Options,
) -> PyResult<String> {
    let to_python = |error| raised(py, &error);
    let rows = matrix.rows().map_err(to_python)?;
    let offset = lent(offset.as_slice().ok()).map_err(to_python)?;
    let x = x.as_ref().map(|x| lent(x.as_slice().ok())).transpose().map_err(to_python)?;
    let (threads, progress) = (options.threads, options.progress.as_ref().map(|progress| progress.clone_ref(py)));
    let release = word("release", &options.release).map_err(to_python)?;
    let chosen = chosen(options, release).map_err(to_python)?;
    let (mut findings, _) = compute_and_tell(py, threads, progress.as_ref(), |run| {
        let x = match x {
            Some(x) => x.to_vec(),
            None => least_squares(&rows, offset, run)?.x,
        };
        unhat::audit::audit(&rows, offset, &x, &chosen, run)
    })?;
    findings.warnings.extend(matrix.notes().iter().cloned());
    written(py, &findings)
}

/// As the library takes them.
pub(crate) fn chosen(options: Options, release: ReleaseKind) -> Result<AuditOptions> {
    Ok(AuditOptions {
        release,
        rows: options.rows,
        noise: options.noise,
        digits: options.round,
        clip: options.clip,
        top: options.top,
        target_error: options.target_error,
        trials: options.trials,
        delta: options.delta,
        seed: options.seed,
        detail: word("report_detail", &options.report_detail)?,
        labels: Labels {
            table: options.table,
            columns: options.columns,
            response: options.response,
            command: "unhat.audit".into(),
            created_utc: Some(humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
        },
    })
}

/// A word of the schema; the error lists those there are.
pub(crate) fn word<T: DeserializeOwned>(name: &str, word: &str) -> Result<T> {
    serde_json::from_value(json!(word)).map_err(|error| option(name, error.to_string()))
}

/// The page of the findings, HTML, from their JSON.
#[pyfunction]
pub(crate) fn audit_page(py: Python<'_>, findings: &str) -> PyResult<String> {
    unhat_report::audit_page(&read(py, findings)?).map_err(|error| not_drawn(py, &error))
}

/// The charts of the page, JSON: a list of {question, answer, legend, svg}.
#[pyfunction]
pub(crate) fn audit_images(py: Python<'_>, findings: &str) -> PyResult<String> {
    written(py, &unhat_report::audit_images(&read(py, findings)?))
}

fn read(py: Python<'_>, findings: &str) -> PyResult<AuditReport> {
    serde_json::from_str(findings).map_err(|error| not_drawn(py, &error))
}

pub(crate) fn not_drawn(py: Python<'_>, error: &serde_json::Error) -> PyErr {
    raised(py, &ErrorKind::Numerical { reason: format!("the findings cannot be drawn: {error}") }.into())
}

/// Writes a page to a `.html` file, whole or not at all.
#[pyfunction]
pub(crate) fn write_page(py: Python<'_>, path: &str, page: &str) -> PyResult<()> {
    unhat_io::check_page(path).and_then(|()| unhat_io::write_page(path, page)).map_err(|error| raised(py, &error))
}
