//! The page of an inversion: what it says of the call, and the facts as a page.

use crate::facts::Colophon;
use crate::failure::raised;
use crate::influence::tool;
use pyo3::prelude::*;
use std::time::SystemTime;
use unhat::ErrorKind;
use unhat::invert::page::Inverted;
use unhat::invert::page::Subject;
use unhat::rows::Shape;

/// What the data are called.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Names {
    pub table: String,
    pub columns: Vec<String>,
    pub target: String,
}

/// What the page says of one call of `command`, a word of the command line.
pub(crate) fn subject<'a>(
    command: &str,
    (names, shape, values): (&Names, Shape, &'a [f64]),
    colophon: &Colophon,
    threads: usize,
) -> Subject<'a> {
    let (kind, call) = match command {
        "centre" => (Inverted::Centre, "unhat.volumetric_center"),
        "invert scores" => (Inverted::Scores, "unhat.invert_scores"),
        _ => (Inverted::Gradient, "unhat.invert_gradient"),
    };
    Subject {
        kind,
        tool: tool(call, colophon, threads),
        created_utc: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        matrix: names.table.clone(),
        shape: (shape.rows, shape.columns),
        column_names: Some(names.columns.clone()).filter(|columns| !columns.is_empty()),
        target: names.target.clone(),
        values,
        warnings: colophon.warnings.clone(),
    }
}

/// The page of an inversion, HTML, from what it draws.
#[pyfunction]
pub(crate) fn inversion_page(py: Python<'_>, facts: &str) -> PyResult<String> {
    let drawn = serde_json::from_str(facts).and_then(|facts| unhat_report::inversion_page(&facts));
    drawn.map_err(|error| {
        raised(py, &ErrorKind::Numerical { reason: format!("the inversion cannot be drawn: {error}") }.into())
    })
}
