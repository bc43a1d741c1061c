//! What `unhat.torch` and `unhat.jax` ask of the core: products with the derivative of the scores, drawn numbers, and the
//! metric and coefficients that their own are tested against.

use crate::data::{Vector, lent};
use crate::failure::raised;
use crate::work::compute;
use numpy::{PyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use unhat::Run;
use unhat::rows::DenseRows;
use unhat_models::natural::{Damping, LayerMetric, MetricOptions};

type Numbers<'py> = Bound<'py, PyArray1<f64>>;
type Product = fn(&DenseRows<'_>, &[f64], f64, &Run<'_>) -> unhat::Result<Vec<f64>>;

/// The change of the scores along a change of the matrix (n·d values by rows).
#[pyfunction]
pub(crate) fn score_jvp<'py>(
    py: Python<'py>,
    matrix: PyReadonlyArray2<'py, f64>,
    direction: Vector<'py>,
    ridge: f64,
) -> PyResult<Numbers<'py>> {
    product(py, &matrix, &direction, ridge, unhat::leverage::score_jvp)
}

/// The gradient in the matrix, n·d values by rows, of a weighted sum of the scores.
#[pyfunction]
pub(crate) fn score_vjp<'py>(
    py: Python<'py>,
    matrix: PyReadonlyArray2<'py, f64>,
    weights: Vector<'py>,
    ridge: f64,
) -> PyResult<Numbers<'py>> {
    product(py, &matrix, &weights, ridge, unhat::leverage::score_vjp)
}

fn product<'py>(
    py: Python<'py>,
    matrix: &PyReadonlyArray2<'py, f64>,
    with: &Vector<'py>,
    ridge: f64,
    product: Product,
) -> PyResult<Numbers<'py>> {
    let to_python = |error| raised(py, &error);
    let values = lent(matrix.as_slice().ok()).map_err(to_python)?;
    let rows = DenseRows::new(values, matrix.shape()[1]).map_err(to_python)?;
    let with = lent(with.as_slice().ok()).map_err(to_python)?;
    let (values, _) = compute(py, None, move |run| product(&rows, with, ridge, run))?;
    Ok(PyArray1::from_vec(py, values))
}

/// Uniform numbers in [0, 1) by counter: the first `count` of (seed, stream).
#[pyfunction]
pub(crate) fn uniform(py: Python<'_>, seed: u64, stream: u64, count: usize) -> Numbers<'_> {
    let mut values = vec![0.0; count];
    unhat::random::uniform_rows_into(seed, stream, 0, &mut values);
    PyArray1::from_vec(py, values)
}

/// A gradient (rows of d values) in the metric of a layer that was refreshed with each of the batches of inputs in turn,
/// whether each refresh was taken, and the typical moment.
#[pyfunction]
#[pyo3(signature = (batches, gradient, layer, rank, alpha, memory, rows, seed))]
#[allow(clippy::too_many_arguments)] // the options of the metric, as Python passes them
pub(crate) fn layer_metric<'py>(
    py: Python<'py>,
    batches: Vec<PyReadonlyArray2<'py, f64>>,
    gradient: PyReadonlyArray2<'py, f64>,
    layer: usize,
    rank: usize,
    alpha: f64,
    memory: f64,
    rows: usize,
    seed: u64,
) -> PyResult<(Numbers<'py>, Vec<bool>, f64)> {
    let to_python = |error| raised(py, &error);
    let mut metric =
        LayerMetric::new(gradient.shape()[1], layer, MetricOptions { rank, damping: alpha, memory, rows, seed });
    let mut taken = Vec::new();
    for batch in &batches {
        taken.push(metric.refresh(lent(batch.as_slice().ok()).map_err(to_python)?));
    }
    let mut image = lent(gradient.as_slice().ok()).map_err(to_python)?.to_vec();
    metric.apply(&mut image);
    Ok((PyArray1::from_vec(py, image), taken, metric.typical_moment()))
}

/// The coefficients of the natural step of a batch from its full n×n kernel.
#[pyfunction]
pub(crate) fn natural_coefficients<'py>(
    py: Python<'py>,
    kernel: PyReadonlyArray2<'py, f64>,
    damping: f64,
    relative: bool,
) -> PyResult<Numbers<'py>> {
    let to_python = |error| raised(py, &error);
    let damping = if relative { Damping::Relative(damping) } else { Damping::Absolute(damping) };
    let kernel = lent(kernel.as_slice().ok()).map_err(to_python)?;
    let c = unhat_models::natural::natural_coefficients(kernel, damping, None).map_err(to_python)?;
    Ok(PyArray1::from_vec(py, c))
}
