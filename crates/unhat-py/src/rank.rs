//! Scores of the best approximation of rank k.

use crate::data::Data;
use crate::facts::Colophon;
use crate::failure::raised;
use crate::work::compute;
use numpy::PyArray1;
use pyo3::prelude::*;
use unhat::leverage::{RankKOptions, RankKReport};

type Numbers<'py> = Bound<'py, PyArray1<f64>>;

/// The scores of the rows, those of the columns, and the command line's object.
#[pyfunction]
#[pyo3(signature = (matrix, rank, centre, threads))]
pub(crate) fn rank_k_scores<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    rank: usize,
    centre: bool,
    threads: Option<u16>,
) -> PyResult<(Numbers<'py>, Numbers<'py>, String)> {
    let colophon = Colophon::start(0, matrix.notes());
    let rows = matrix.rows().map_err(|error| raised(py, &error))?;
    let options = RankKOptions { rank, centre };
    let work = |run: &unhat::Run<'_>| unhat::leverage::rank_k_scores(&rows, None, &options, run);
    let (scores, threads) = compute(py, threads, work)?;
    let text = colophon.object(py, ("scores", threads), RankKReport::of(&scores), None)?;
    Ok((PyArray1::from_vec(py, scores.values), PyArray1::from_vec(py, scores.columns), text))
}
