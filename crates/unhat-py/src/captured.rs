//! Influence from layer factors that another library captured.

use crate::data::lent;
use crate::failure::raised;
use crate::work::compute_and_tell;
use numpy::{PyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use unhat::{Error, Result};
use unhat_models::influence::{CapturedGradients, score_captured};
use unhat_models::models::{LayerFactors, LayerShape};

/// T, and A and D of a layer with T rows a sample.
type Given<'py> = (usize, PyReadonlyArray2<'py, f64>, PyReadonlyArray2<'py, f64>);

/// One score a row, larger is better; v is the summed gradient of the validation rows.
#[pyfunction]
#[pyo3(signature = (training, validation, method, damping, threads, progress))]
pub(crate) fn captured_influence<'py>(
    py: Python<'py>,
    training: Vec<Given<'py>>,
    validation: Option<Vec<Given<'py>>>,
    method: &str,
    damping: Option<f64>,
    threads: Option<u16>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let to_python = |error: Error| raised(py, &error);
    let method = method.parse().map_err(to_python)?;
    let (training, validation) = (joined(&training), validation.as_deref().map(joined).transpose());
    let (training, validation) = (training.map_err(to_python)?, validation.map_err(to_python)?);
    let (scored, _) = compute_and_tell(py, threads, progress.as_ref(), |run| {
        score_captured(method, &training, validation.as_ref(), damping, run)
    })?;
    Ok(PyArray1::from_vec(py, scored.scores))
}

fn joined(layers: &[Given<'_>]) -> Result<CapturedGradients> {
    let factors: Vec<LayerFactors<'_>> = layers
        .iter()
        .map(|(positions, inputs, gradients)| {
            let shape = LayerShape { inputs: inputs.shape()[1], outputs: gradients.shape()[1] };
            LayerFactors::new(shape, *positions, lent(inputs.as_slice().ok())?, lent(gradients.as_slice().ok())?)
        })
        .collect::<Result<_>>()?;
    CapturedGradients::new(&factors)
}
