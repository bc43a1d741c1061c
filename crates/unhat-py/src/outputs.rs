//! What of a regression may leave the house, as data, as a page, and as ACRO's folder.

use crate::facts::{Colophon, written};
use crate::failure::{option, raised};
use crate::formula::{Beside, Levels, missing, model, specification};
use crate::given::{self, Used};
use crate::influence::tool;
use crate::work::compute_and_tell;
use pyo3::prelude::*;
use std::time::SystemTime;
use unhat::report::not_finite;
use unhat::{ErrorKind, Result};
use unhat_io::{check_folder, check_page, hash_of_file, read_rows, read_text, write_acro as acro_written};
use unhat_models::checking::{Appetite, Detail, FitRequest, Item, Origin, OutputsReport, OutputsRequest, Release};

/// What is asked; words are read by the library.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    formula: String,
    family: Option<String>,
    link: Option<String>,
    weights: Option<String>,
    trials: Option<String>,
    offset: Option<String>,
    levels: Levels,
    missing: String,
    release: Option<Vec<String>>,
    digits: Option<u32>,
    secret: Vec<String>,
    rows: Option<Rows>,
    /// The JSON of an earlier check.
    second: Option<String>,
    second_rows: Option<Rows>,
    id: Option<String>,
    /// JSON.
    appetite: Option<String>,
    remedies: bool,
    report_detail: String,
    report: Option<String>,
    acro: Option<String>,
    seed: u64,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
    table: String,
}

/// Rows by their numbers from 0, or the file that has them, counted from 1.
#[derive(FromPyObject)]
enum Rows {
    File(String),
    Numbers(Vec<usize>),
}

impl Rows {
    fn read(&self) -> Result<Vec<usize>> {
        match self {
            Rows::File(path) => read_rows(path),
            Rows::Numbers(rows) => Ok(rows.clone()),
        }
    }
}

impl Options {
    fn request(&self) -> Result<OutputsRequest> {
        let beside =
            Beside { weights: self.weights.as_deref(), trials: self.trials.as_deref(), offset: self.offset.as_deref() };
        let missing = missing(&self.missing, false)?;
        let fit = FitRequest {
            specification: specification(&self.formula, &beside, &self.levels, missing)?,
            model: model(self.family.as_deref(), self.link.as_deref())?,
            rows: self.rows.as_ref().map(Rows::read).transpose()?,
        };
        let second = match (&self.second, &self.second_rows) {
            (Some(_), Some(_)) => {
                return Err(option("second_rows", "a second fit is given as second already; leave one out"));
            }
            (Some(text), None) => {
                let report: OutputsReport = serde_json::from_str(text).map_err(|e| {
                    option("second", format!("is no check of outputs; expected an earlier one, or its JSON: {e}"))
                })?;
                Some(FitRequest::of_earlier(&report, missing, self.levels.clone())?)
            }
            (None, Some(rows)) => Some(FitRequest { rows: Some(rows.read()?), ..fit.clone() }),
            (None, None) => None,
        };
        let items = match &self.release {
            Some(words) => words.iter().map(|word| word.parse()).collect::<Result<Vec<Item>>>()?,
            None => Item::DEFAULT.to_vec(),
        };
        let appetite = match &self.appetite {
            Some(text) => {
                serde_json::from_str(text).map_err(|e| option("appetite", format!("is no risk appetite: {e}")))?
            }
            None => Appetite::default(),
        };
        let detail = match self.report_detail.as_str() {
            "full" => Detail::Full,
            "share" => Detail::Share,
            word => return Err(option("report_detail", format!("found {word:?}, expected full or share"))),
        };
        Ok(OutputsRequest {
            fit,
            second,
            release: Release { items, digits: self.digits, secrets: Vec::new(), appetite, seed: self.seed },
            secrets: self.secret.clone(),
            people: self.id.clone(),
            remedies: self.remedies,
            detail,
        })
    }

    fn check_places(&self) -> Result<()> {
        self.report.as_deref().map(check_page).transpose()?;
        self.acro.as_deref().map(check_folder).transpose()?;
        Ok(())
    }
}

/// The check as the command line's JSON; `file` is the path of the table, where it has one. Page and folder are written where
/// they are asked for.
#[pyfunction]
#[pyo3(signature = (table, options, file=None))]
pub(crate) fn audit_outputs(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    options: &Bound<'_, PyAny>,
    file: Option<&str>,
) -> PyResult<String> {
    let to_python = |error| raised(py, &error);
    let options: Options = given::options(py, options)?;
    let colophon = Colophon::start(options.seed, &[]);
    options.check_places().map_err(to_python)?;
    let request = options.request().map_err(to_python)?;
    // Missing cells are kept while the table is read: those of columns that nobody uses do not matter.
    let (frame, met) = given::table(py, table, Used::Only(&[]))?;
    met.require_factors(&request.fit.specification, &frame).map_err(to_python)?;
    let sha256 = file.map(hash_of_file).transpose().map_err(to_python)?;
    let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let origin = Origin {
        tool: tool("unhat.audit_outputs", &colophon, 0),
        created_utc: Some(created),
        table: options.table.clone(),
        sha256,
    };
    let work = |run: &unhat::Run<'_>| request.answer(&frame, origin, run);
    let (mut report, threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), work)?;
    (report.tool.wall_s, report.tool.threads) = (colophon.seconds(), threads as u32);
    report.warnings.extend(met.notes);
    report.warnings.extend(not_finite(&report));
    if let Some(path) = &options.report {
        let page = unhat_report::outputs_page(&report).map_err(|error| not_drawn(py, &error))?;
        unhat_io::write_page(path, &page).map_err(to_python)?;
    }
    if let Some(folder) = &options.acro {
        acro_written(folder, &report, unhat_report::figure_png).map_err(to_python)?;
    }
    written(py, &report)
}

/// The page of a check, HTML, from its JSON.
#[pyfunction]
pub(crate) fn outputs_page(py: Python<'_>, check: &str) -> PyResult<String> {
    unhat_report::outputs_page(&read(py, check)?).map_err(|error| not_drawn(py, &error))
}

/// Writes a check, from its JSON, as ACRO has its outputs to a new folder, whole or not at all.
#[pyfunction]
pub(crate) fn write_acro(py: Python<'_>, folder: &str, check: &str) -> PyResult<()> {
    acro_written(folder, &read(py, check)?, unhat_report::figure_png).map_err(|error| raised(py, &error))
}

/// The text of a small file.
#[pyfunction]
pub(crate) fn read_file(py: Python<'_>, path: &str) -> PyResult<String> {
    read_text(path).map_err(|error| raised(py, &error))
}

fn read(py: Python<'_>, check: &str) -> PyResult<OutputsReport> {
    serde_json::from_str(check).map_err(|error| not_drawn(py, &error))
}

fn not_drawn(py: Python<'_>, error: &serde_json::Error) -> PyErr {
    raised(py, &ErrorKind::Numerical { reason: format!("the check cannot be drawn: {error}") }.into())
}
