//! From data to scores, gradients and what else the barrier has at a point.

use crate::data::{Data, Vector, lent};
use crate::failure::{option, raised};
use crate::work::{compute, compute_sized};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use std::time::Instant;
use unhat::barrier::{Barrier, nonzero_slack, slack_at};
use unhat::leverage::{RowFactor, ScoreOptions};
use unhat::rows::RowSource;
use unhat::{ErrorKind, Result, Run};

type Numbers<'py> = Bound<'py, PyArray1<f64>>;

/// About what scores take: a Gram matrix and its factor.
fn flops(rows: &dyn RowSource) -> f64 {
    let (n, d) = (rows.shape().rows as f64, rows.shape().columns as f64);
    n.max(d) * d * d
}

/// The scores of A, or of A_x where there is a cell: (b, x). Also the warnings, and the seconds that the library took.
#[pyfunction]
#[pyo3(signature = (matrix, cell, ridge, strict, threads))]
pub(crate) fn leverage_scores<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    cell: Option<(Vector<'py>, Vector<'py>)>,
    ridge: f64,
    strict: bool,
    threads: Option<u16>,
) -> PyResult<(Numbers<'py>, Vec<String>, f64)> {
    let to_python = |error| raised(py, &error);
    let rows = matrix.rows().map_err(to_python)?;
    let cell = cell.as_ref().map(|(offset, x)| (lent(offset.as_slice().ok()), lent(x.as_slice().ok())));
    let options = ScoreOptions { ridge, strict, ..ScoreOptions::default() };
    let (scores, seconds) = compute_sized(py, threads, flops(&rows), move |run| {
        let clock = Instant::now();
        let inverse_slack = match cell {
            Some((offset, x)) => {
                let slack = nonzero_slack(&rows, offset?, x?, run)?;
                Some(slack.iter().map(|s| 1.0 / s).collect::<Vec<_>>())
            }
            None => None,
        };
        let scores = unhat::leverage::leverage_scores(&rows, inverse_slack.as_deref(), &options, run)?;
        Ok((scores, clock.elapsed().as_secs_f64()))
    })?;
    Ok((PyArray1::from_vec(py, scores.values), scores.warnings, seconds))
}

/// g(x) = −A_xᵀσ, and the warnings.
#[pyfunction]
pub(crate) fn leverage_gradient<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    offset: Vector<'py>,
    x: Vector<'py>,
    threads: Option<u16>,
) -> PyResult<(Numbers<'py>, Vec<String>)> {
    let to_python = |error| raised(py, &error);
    let rows = matrix.rows().map_err(to_python)?;
    let (offset, x) = (lent(offset.as_slice().ok()).map_err(to_python)?, lent(x.as_slice().ok()).map_err(to_python)?);
    let flops = flops(&rows);
    let found = compute_sized(py, threads, flops, move |run| unhat::barrier::leverage_gradient(&rows, offset, x, run))?;
    Ok((PyArray1::from_vec(py, found.values), found.scores.warnings))
}

/// One quantity of the barrier at each of the points, one after the other: value, gradient, hessian (by rows), hessian_vec
/// (of the direction), scores or slack. With `signs` the domain is the cell of these signs of Ax − b, and outside the value
/// is infinite and everything else NaN; without, it is the cell that holds the point.
#[pyfunction]
#[pyo3(signature = (matrix, offset, points, what, direction, signs, threads))]
#[allow(clippy::too_many_arguments)] // the data of one call
pub(crate) fn barrier<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    offset: Vector<'py>,
    points: PyReadonlyArray2<'py, f64>,
    what: &str,
    direction: Option<Vector<'py>>,
    signs: Option<Vector<'py>>,
    threads: Option<u16>,
) -> PyResult<Numbers<'py>> {
    let to_python = |error| raised(py, &error);
    let rows = matrix.rows().map_err(to_python)?;
    let offset = lent(offset.as_slice().ok()).map_err(to_python)?;
    let dimension = points.shape()[1];
    let points = lent(points.as_slice().ok()).map_err(to_python)?;
    let direction = match &direction {
        Some(direction) => lent(direction.as_slice().ok()).map_err(to_python)?,
        None => &[],
    };
    let signs = signs.as_ref().map(|signs| lent(signs.as_slice().ok())).transpose().map_err(to_python)?;
    let positive: Option<Vec<bool>> = signs.map(|signs| signs.iter().map(|&sign| sign > 0.0).collect());
    if dimension != rows.shape().columns {
        let kind = ErrorKind::Shape {
            what: "point".into(),
            expected: format!("{} values", rows.shape().columns),
            found: format!("{dimension} values"),
        };
        return Err(to_python(kind.into()));
    }
    // A Hessian takes d times the flops of scores.
    let flops = flops(&rows) * points.len() as f64;
    let values = compute_sized(py, threads, flops, move |run| {
        let mut values = Vec::new();
        for x in points.chunks_exact(dimension) {
            values.extend(match (what, &positive) {
                ("slack", _) => slack_at(&rows, offset, x, run)?,
                (_, None) => {
                    let barrier = Barrier::around(&rows, offset, x, run)?;
                    at_point(&barrier, x, what, direction, run)?.ok_or_else(|| ErrorKind::Numerical {
                        reason: "the point is so near the boundary of its cell that the barrier cannot be evaluated"
                            .into(),
                    })?
                }
                (_, Some(positive)) => {
                    let barrier = Barrier::new(&rows, offset, positive.clone())?;
                    at_point(&barrier, x, what, direction, run)?
                        .unwrap_or_else(|| outside(what, rows.shape().rows, dimension))
                }
            });
        }
        Ok(values)
    })?;
    Ok(PyArray1::from_vec(py, values))
}

/// None where the barrier cannot be evaluated: outside its cell, or next to the boundary.
fn at_point(
    barrier: &Barrier<'_>,
    x: &[f64],
    what: &str,
    direction: &[f64],
    run: &Run<'_>,
) -> Result<Option<Vec<f64>>> {
    let Some(point) = barrier.at(x, false, run)? else { return Ok(None) };
    match what {
        "value" => Ok(vec![point.value]),
        "gradient" => Ok(point.gradient),
        "scores" => Ok(point.scores),
        "hessian" => barrier.hessian(&point, run),
        "hessian_vec" => {
            unhat::rows::require_vector("direction", direction, x.len())?;
            barrier.hessian_vec(&point, direction, run)
        }
        other => Err(option("what", format!("found {other:?}"))),
    }
    .map(Some)
}

/// V is infinite outside its domain, and has no derivatives there.
fn outside(what: &str, n: usize, d: usize) -> Vec<f64> {
    match what {
        "value" => vec![f64::INFINITY],
        "hessian" => vec![f64::NAN; d * d],
        "scores" => vec![f64::NAN; n],
        _ => vec![f64::NAN; d],
    }
}

/// R with RᵀR = AᵀA + λI: what of the rows is needed to know the leverage of others.
#[pyfunction]
pub(crate) fn row_factor<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    ridge: f64,
    threads: Option<u16>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let rows = matrix.rows().map_err(|error| raised(py, &error))?;
    let (factor, _) = compute(py, threads, move |run| RowFactor::of(&rows, ridge, run))?;
    PyArray1::from_slice(py, factor.values()).reshape([factor.columns(), factor.columns()])
}

/// The leverage of rows against those of a factor, and its rank.
#[pyfunction]
pub(crate) fn leverage_of<'py>(
    py: Python<'py>,
    factor: PyReadonlyArray2<'py, f64>,
    matrix: Data<'py>,
    threads: Option<u16>,
) -> PyResult<(Numbers<'py>, usize)> {
    let to_python = |error| raised(py, &error);
    let rows = matrix.rows().map_err(to_python)?;
    let values = lent(factor.as_slice().ok()).map_err(to_python)?.to_vec();
    let factor = RowFactor::from_values(values, factor.shape()[1]).map_err(to_python)?;
    let ((values, rank), _) = compute(py, threads, move |run| factor.leverage_of(&rows, run))?;
    Ok((PyArray1::from_vec(py, values), rank))
}
