//! From data to scores, gradients and what else the barrier has at a point.

use crate::data::{Data, Vector, lent};
use crate::failure::{option, raised};
use crate::work::compute;
use numpy::{PyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use unhat::barrier::{Barrier, nonzero_slack};
use unhat::leverage::ScoreOptions;
use unhat::rows::RowSource;
use unhat::{ErrorKind, Result, Run};

type Numbers<'py> = Bound<'py, PyArray1<f64>>;

/// The scores of A, or of A_x where there is a cell: (b, x). Also the warnings.
#[pyfunction]
#[pyo3(signature = (matrix, cell, ridge, strict, threads))]
pub(crate) fn leverage_scores<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    cell: Option<(Vector<'py>, Vector<'py>)>,
    ridge: f64,
    strict: bool,
    threads: Option<u16>,
) -> PyResult<(Numbers<'py>, Vec<String>)> {
    let to_python = |error| raised(py, &error);
    let rows = matrix.rows().map_err(to_python)?;
    let cell = cell.as_ref().map(|(offset, x)| (lent(offset.as_slice().ok()), lent(x.as_slice().ok())));
    let options = ScoreOptions { ridge, strict, ..ScoreOptions::default() };
    let (scores, _) = compute(py, threads, move |run| {
        let inverse_slack = match cell {
            Some((offset, x)) => {
                let slack = nonzero_slack(&rows, offset?, x?, run)?;
                Some(slack.iter().map(|s| 1.0 / s).collect::<Vec<_>>())
            }
            None => None,
        };
        unhat::leverage::leverage_scores(&rows, inverse_slack.as_deref(), &options, run)
    })?;
    Ok((PyArray1::from_vec(py, scores.values), scores.warnings))
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
    let (found, _) = compute(py, threads, move |run| unhat::barrier::leverage_gradient(&rows, offset, x, run))?;
    Ok((PyArray1::from_vec(py, found.values), found.scores.warnings))
}

/// One quantity of the barrier at each of the points, one after the other: value, gradient, hessian (by rows), hessian_vec
/// (of the direction) or scores.
#[pyfunction]
#[pyo3(signature = (matrix, offset, points, what, direction, threads))]
pub(crate) fn barrier<'py>(
    py: Python<'py>,
    matrix: Data<'py>,
    offset: Vector<'py>,
    points: PyReadonlyArray2<'py, f64>,
    what: &str,
    direction: Option<Vector<'py>>,
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
    if dimension != rows.shape().columns {
        let kind = ErrorKind::Shape {
            what: "point".into(),
            expected: format!("{} values", rows.shape().columns),
            found: format!("{dimension} values"),
        };
        return Err(to_python(kind.into()));
    }
    let (values, _) = compute(py, threads, move |run| {
        let mut values = Vec::new();
        for x in points.chunks_exact(dimension) {
            values.extend(at_point(&rows, offset, x, what, direction, run)?);
        }
        Ok(values)
    })?;
    Ok(PyArray1::from_vec(py, values))
}

fn at_point(
    rows: &dyn RowSource,
    offset: &[f64],
    x: &[f64],
    what: &str,
    direction: &[f64],
    run: &Run<'_>,
) -> Result<Vec<f64>> {
    let barrier = Barrier::around(rows, offset, x, run)?;
    let point = barrier.at(x, false, run)?.ok_or_else(|| ErrorKind::Numerical {
        reason: "the point is so near the boundary of its cell that the barrier cannot be evaluated".into(),
    })?;
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
}
