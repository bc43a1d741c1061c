//! Sweeps that the processes of an engine share: the driver's rows, and what a worker does.

use crate::data::{Data, Table};
use crate::facts::Colophon;
use crate::failure::raised;
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::ops::Range;
use std::sync::Mutex;
use unhat::leverage::{ScoreOptions, ScoresReport};
use unhat::rows::{Elsewhere, RowSource, Rows, Shape};
use unhat::{ErrorKind, Result, Run};

/// The files that a name stands for: itself, or those of a folder or of a pattern.
#[pyfunction]
pub(crate) fn files_of_table(path: &str) -> Vec<String> {
    unhat_io::files_of_table(path)
}

/// The answer to a job.
#[pyfunction]
pub(crate) fn answer<'py>(py: Python<'py>, table: PyRef<'py, Table>, job: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let data = Data::Read(table);
    let rows = data.rows().map_err(|error| raised(py, &error))?;
    let found = py.detach(|| unhat::distributed::answer(&rows, job, &Run::default()));
    found.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| raised(py, &error))
}

/// The rows of the driver; `run` is called with the jobs of a sweep and returns their answers.
struct Shared<'a> {
    rows: &'a dyn RowSource,
    units: usize,
    run: Py<PyAny>,
    /// What `run` raised.
    raised: Mutex<Option<PyErr>>,
}

impl Elsewhere for Shared<'_> {
    fn units(&self) -> usize {
        self.units
    }

    fn answers(&self, jobs: &[Vec<u8>], _run: &Run<'_>) -> Result<Vec<Vec<u8>>> {
        let asked = Python::attach(|py| {
            let jobs: Vec<Bound<'_, PyBytes>> = jobs.iter().map(|job| PyBytes::new(py, job)).collect();
            self.run.call1(py, (jobs,))?.extract::<Vec<Vec<u8>>>(py)
        });
        asked.map_err(|error| {
            if let Ok(mut raised) = self.raised.lock() {
                *raised = Some(error);
            }
            ErrorKind::Interrupted.into()
        })
    }
}

impl RowSource for Shared<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn rows_per_block(&self) -> usize {
        self.rows.rows_per_block()
    }

    fn with_block(&self, k: usize, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.rows.with_block(k, f)
    }

    fn with_blocks(&self, range: Range<usize>, f: &mut dyn FnMut(Rows<'_>) -> Result<()>) -> Result<()> {
        self.rows.with_blocks(range, f)
    }

    fn openings(&self) -> Option<usize> {
        self.rows.openings()
    }

    fn elsewhere(&self) -> Option<&dyn Elsewhere> {
        Some(self)
    }

    fn gather(&self, rows: &[usize]) -> Result<Vec<f64>> {
        self.rows.gather(rows)
    }
}

/// The scores, the warnings, and the command line's object.
#[pyfunction]
pub(crate) fn distributed_scores<'py>(
    py: Python<'py>,
    table: PyRef<'py, Table>,
    units: usize,
    run: Py<PyAny>,
    ridge: f64,
    strict: bool,
) -> PyResult<(Bound<'py, PyArray1<f64>>, Vec<String>, String)> {
    let data = Data::Read(table);
    let colophon = Colophon::start(0, data.notes());
    let rows = data.rows().map_err(|error| raised(py, &error))?;
    let shared = Shared { rows: &rows, units, run, raised: Mutex::new(None) };
    let options = ScoreOptions { ridge, strict, ..ScoreOptions::default() };
    // The engine is asked from this thread, so that an interrupt is raised in what waits for it.
    let found = unhat::leverage::leverage_scores(&shared, None, &options, &Run::default());
    let scores = found.map_err(|error| match shared.raised.lock().ok().and_then(|mut raised| raised.take()) {
        Some(cause) => cause,
        None => raised(py, &error),
    })?;
    let text = colophon.object(py, ("scores", 1), ScoresReport::of(&scores, ridge > 0.0), None)?;
    Ok((PyArray1::from_vec(py, scores.values), scores.warnings, text))
}

/// Writes a value for each row of a table under the rows' names, in the format that the suffix of `path` says.
#[pyfunction]
pub(crate) fn write_rows(
    py: Python<'_>,
    path: &str,
    column: &str,
    table: PyRef<'_, Table>,
    values: crate::data::Vector<'_>,
) -> PyResult<()> {
    let written = || {
        let matrix = table.matrix();
        let labels = unhat_io::RowLabels::of(matrix, matrix.row_names.as_deref(), false, path);
        unhat_io::write_of_rows(path, column, &labels, crate::data::lent(values.as_slice().ok())?)
    };
    written().map_err(|error| raised(py, &error))
}
