//! Leverage scores of the rows of a model matrix of a table.

use crate::failure::raised;
use crate::formula::{Beside, Levels, missing, specification};
use crate::given::{self, Used};
use crate::work::compute;
use numpy::PyArray1;
use pyo3::prelude::*;
use unhat::leverage::ScoreOptions;
use unhat_models::diagnose::model_scores as scored;

/// What is asked; words are read by the library.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    formula: String,
    weights: Option<String>,
    levels: Levels,
    missing: String,
    ridge: f64,
    strict: bool,
    threads: Option<u16>,
}

/// The scores, where their rows stand in the table from 0, the names of these rows where a file has any, and what the caller
/// should know.
type Answer<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>, Option<Vec<String>>, Vec<String>);

/// The scores of the rows of the model matrix of a table. A ridge leaves the intercept free.
#[pyfunction]
pub(crate) fn model_scores<'py>(
    py: Python<'py>,
    table: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
) -> PyResult<Answer<'py>> {
    let options: Options = given::options(py, options)?;
    let beside = Beside { weights: options.weights.as_deref(), ..Beside::default() };
    let read = || specification(&options.formula, &beside, &options.levels, missing(&options.missing, true)?);
    let wanted = read().map_err(|error| raised(py, &error))?;
    // Missing cells are kept while the table is read: those of columns that nobody uses do not matter.
    let (frame, met) = given::table(py, table, Used::Only(&[]))?;
    met.require_factors(&wanted, &frame).map_err(|error| raised(py, &error))?;
    let (found, _) = compute(py, options.threads, |run| {
        let intercept = wanted.formula.terms(frame.names(), &[])?.intercept;
        let free_intercept = options.ridge > 0.0 && intercept;
        let how =
            ScoreOptions { ridge: options.ridge, strict: options.strict, free_intercept, ..ScoreOptions::default() };
        scored(&frame, &wanted, &how, run)
    })?;
    let (values, places) = found.written(options.missing == "exclude");
    let names = frame.row_names.as_ref().map(|names| places.iter().map(|&row| names[row].clone()).collect());
    let said = met.notes.into_iter().chain(found.notes).chain(found.scores.warnings);
    let places = PyArray1::from_vec(py, places.into_iter().map(|row| row as i64).collect());
    Ok((PyArray1::from_vec(py, values), places, names, said.collect()))
}
