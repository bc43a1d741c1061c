//! Lewis weights and D-optimal designs.

use crate::data::Data;
use crate::facts::Colophon;
use crate::failure::raised;
use crate::work::compute;
use numpy::PyArray1;
use pyo3::prelude::*;
use unhat::weights::{DesignOptions, DesignReport, LewisOptions, LewisReport};

type Numbers<'py> = Bound<'py, PyArray1<f64>>;

/// The weights, and the command line's object.
#[pyfunction]
#[pyo3(signature = (matrix, p, tol, max_iter, threads))]
pub(crate) fn lewis_weights<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    p: f64,
    tol: f64,
    max_iter: u32,
    threads: Option<u16>,
) -> PyResult<(Numbers<'py>, String)> {
    let mut colophon = Colophon::start(0, matrix.notes());
    let rows = matrix.rows().map_err(|error| raised(py, &error))?;
    let options = LewisOptions { tolerance: tol, max_iterations: max_iter };
    let work = |run: &unhat::Run<'_>| unhat::weights::lewis_weights(&rows, p, &options, run);
    let (found, threads) = compute(py, threads, work)?;
    colophon.warnings.extend(found.warnings.iter().cloned());
    let text = colophon.object(py, ("weights lewis", threads), LewisReport::of(&found), None)?;
    Ok((PyArray1::from_vec(py, found.values), text))
}

/// The same of a D-optimal design.
#[pyfunction]
#[pyo3(signature = (matrix, gap, lift, max_iter, threads))]
pub(crate) fn d_optimal_design<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    gap: f64,
    lift: bool,
    max_iter: u32,
    threads: Option<u16>,
) -> PyResult<(Numbers<'py>, String)> {
    let mut colophon = Colophon::start(0, matrix.notes());
    let rows = matrix.rows().map_err(|error| raised(py, &error))?;
    let options = DesignOptions { gap, lift, max_iterations: max_iter };
    let work = |run: &unhat::Run<'_>| unhat::weights::d_optimal_design(&rows, &options, run);
    let (found, threads) = compute(py, threads, work)?;
    colophon.warnings.extend(found.warnings.iter().cloned());
    let text = colophon.object(py, ("weights d-optimal", threads), DesignReport::of(&found), None)?;
    Ok((PyArray1::from_vec(py, found.values), text))
}
