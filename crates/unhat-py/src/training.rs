//! Training a model on a table, and what a saved model says of another one.

use crate::facts::{Colophon, written};
use crate::failure::raised;
use crate::formula::{Beside, Levels, missing, specification};
use crate::given::{self, ModelGiven, Used, parsed};
use crate::influence::tool;
use crate::work::compute_and_tell;
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::time::SystemTime;
use unhat::report::{Solved, not_finite};
use unhat::{Error, ErrorKind, Result, Run};
use unhat_io::{TrainingFile, check_model_output, read_training};
use unhat_models::models::{PredictReport, PredictedRow};
use unhat_models::regression::{Specification, features_of};
use unhat_models::training::TrainReport;
use unhat_models::training::{Ending, Keeper, Trained, TrainingOptions, TrainingRequest};
use unhat_report::TrainingPage;

/// What is asked of a training; words are read by the library.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    response: Option<String>,
    formula: Option<String>,
    levels: Levels,
    missing: String,
    model: String,
    optimizer: String,
    batch: usize,
    epochs: u32,
    lr: Option<String>,
    weight_decay: f64,
    momentum: Option<f64>,
    schedule: String,
    share: Option<String>,
    scope: Option<String>,
    refresh: Option<u32>,
    damping: Option<f64>,
    alpha: Option<f64>,
    factor_every: Option<u64>,
    inverse_every: Option<u64>,
    rank: Option<usize>,
    base: Option<String>,
    validation: Option<Py<PyAny>>,
    patience: Option<u32>,
    record_every: Option<u64>,
    controls: bool,
    without: Vec<String>,
    standardize: bool,
    output: Option<String>,
    checkpoint: Option<String>,
    seed: u64,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
    table: String,
}

impl Options {
    fn training(&self) -> Result<TrainingOptions> {
        Ok(TrainingOptions {
            optimizer: self.optimizer.parse()?,
            batch: self.batch,
            epochs: self.epochs,
            learning_rate: parsed(self.lr.as_deref())?,
            weight_decay: self.weight_decay,
            momentum: self.momentum,
            schedule: self.schedule.parse()?,
            share: parsed(self.share.as_deref())?,
            scope: parsed(self.scope.as_deref())?,
            refresh: self.refresh,
            damping: self.damping,
            alpha: self.alpha,
            factor_every: self.factor_every,
            inverse_every: self.inverse_every,
            rank: self.rank,
            base: parsed(self.base.as_deref())?,
            patience: self.patience,
            record_every: self.record_every,
            seed: self.seed,
            controls: self.controls,
        })
    }
}

/// Trains; the parts are the command line's JSON, what the page draws, and the model as a file's bytes.
#[pyfunction]
pub(crate) fn train<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> PyResult<(String, String, Bound<'py, PyBytes>)> {
    let to_python = |error: Error| raised(py, &error);
    let options: Options = given::options(py, options)?;
    let (mut colophon, created) = (Colophon::start(options.seed, &[]), SystemTime::now());
    let (chosen, kind) = (options.training().map_err(to_python)?, options.model.parse().map_err(to_python)?);
    options.output.as_deref().map(check_model_output).transpose().map_err(to_python)?;
    let resumed = options.checkpoint.as_deref().map(read_training).transpose().map_err(to_python)?.flatten();
    let wanted = || -> Result<Option<Specification>> {
        let missing = missing(&options.missing, false)?;
        let read = |formula| specification(formula, &Beside::default(), &options.levels, missing);
        options.formula.as_deref().map(read).transpose()
    };
    let formula = wanted().map_err(to_python)?;
    // A formula says itself which cells matter.
    let used = if formula.is_some() { Used::Only(&[]) } else { Used::Without(&options.without) };
    let validation = given::held_out(py, "validation", options.validation.as_ref(), used)?;
    let (frame, met) = given::table(py, table, used)?;
    if let Some(wanted) = &formula {
        met.require_factors(wanted, &frame).map_err(to_python)?;
    }
    let request = TrainingRequest {
        response: options.response.as_deref(),
        formula: formula.as_ref(),
        kind,
        validation: validation.held_out(false),
        without: &options.without,
        standardize: options.standardize,
        options: chosen,
    };
    let (checkpoint, output) = (options.checkpoint.as_deref(), options.output.as_deref());
    let work = |run: &Run<'_>| -> Result<(Trained, Vec<u8>)> {
        let input = request.prepare(&frame)?;
        let mut file = checkpoint.map(TrainingFile::of);
        let mut trained = input.train(resumed, file.as_mut().map(|file| file as &mut dyn Keeper), run)?;
        let model = input.model(&trained);
        if trained.report.status != Ending::Interrupted
            && let Some(path) = output
        {
            unhat_io::write_model(path, &model)?;
        }
        if let (Some(file), Ending::Solved) = (file, trained.report.status) {
            file.remove();
        }
        let warnings = std::mem::take(&mut trained.report.warnings);
        let said = met.notes.iter().chain(&input.parts.warnings).cloned();
        trained.report.warnings = said.chain(warnings).collect();
        trained.report.warnings.extend(not_finite(&trained.report));
        Ok((trained, model.to_bytes()?))
    };
    let ((trained, bytes), threads) = compute_and_tell(py, options.threads, options.progress.as_ref(), work)?;
    let report = trained.report;
    colophon.warnings.clone_from(&report.warnings);
    let page = TrainingPage {
        tool: tool("unhat.train", &colophon, threads),
        created_utc: Some(humantime::format_rfc3339_seconds(created).to_string()),
        table: options.table.clone(),
        report,
    };
    let text = written(py, &TrainReport::of(&page.report, &colophon.end(threads)))?;
    Ok((text, written(py, &page)?, PyBytes::new(py, &bytes)))
}

/// The page of a training, HTML, from what it draws.
#[pyfunction]
pub(crate) fn training_page(py: Python<'_>, facts: &str) -> PyResult<String> {
    unhat_report::training_page(&read(py, facts)?).map_err(|error| not_drawn(py, &error))
}

/// The charts of the page, JSON: a list of {question, answer, legend, svg}.
#[pyfunction]
pub(crate) fn training_images(py: Python<'_>, facts: &str) -> PyResult<String> {
    written(py, &unhat_report::training_images(&read(py, facts)?))
}

fn read(py: Python<'_>, facts: &str) -> PyResult<TrainingPage> {
    serde_json::from_str(facts).map_err(|error| not_drawn(py, &error))
}

fn not_drawn(py: Python<'_>, error: &serde_json::Error) -> PyErr {
    raised(py, &ErrorKind::Numerical { reason: format!("the training cannot be drawn: {error}") }.into())
}

/// Writes a model to a `.safetensors` file, whole or not at all.
#[pyfunction]
pub(crate) fn write_model(py: Python<'_>, path: &str, model: ModelGiven) -> PyResult<()> {
    model.read().and_then(|model| unhat_io::write_model(path, &model)).map_err(|error| raised(py, &error))
}

/// What a model says of the rows of a table, as the command line's JSON, and where the rows stand in it, from 0; `how` says
/// what becomes of rows with missing cells where the model is one of a formula.
#[pyfunction]
#[pyo3(signature = (table, model, how, threads))]
pub(crate) fn predict<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    model: ModelGiven,
    how: &str,
    threads: Option<u16>,
) -> PyResult<(String, Bound<'py, PyArray1<i64>>)> {
    let mut colophon = Colophon::start(0, &[]);
    let model = model.read().map_err(|error| raised(py, &error))?;
    let columns: Vec<String> = match &model.recipe {
        None => model.encoding.columns().iter().map(|column| column.name.clone()).collect(),
        Some(_) => Vec::new(), // a formula says itself which cells matter
    };
    let (mut frame, mut met) = given::table(py, table, Used::Only(&columns))?;
    if let Some(recipe) = &model.recipe {
        let made = missing(how, false).and_then(|missing| features_of(recipe, &frame, missing, (&[], false)));
        let made = made.map_err(|error| raised(py, &error))?;
        met.leave_out(made.left_out(&frame).into_iter().map(|(row, _)| row));
        colophon.warnings.extend(made.notes);
        frame = made.table;
    }
    colophon.warnings.extend_from_slice(&met.notes);
    let (found, threads) = compute_and_tell(py, threads, None, |run| model.predict(&frame, run))?;
    colophon.warnings.extend_from_slice(&found.warnings);
    let rows = PredictedRow::all(&model, &frame, &found);
    let object = Solved::new(PredictReport::of(&model, &frame, &found, Some(&rows)));
    let text = colophon.object(py, ("predict", threads), object, None)?;
    Ok((text, PyArray1::from_vec(py, met.in_file(0..frame.rows()))))
}
