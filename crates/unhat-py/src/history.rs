//! The steps of a solve: as numbers, and as a chart.

use crate::facts::written;
use pyo3::prelude::*;
use unhat::invert::page::{Trace, TraceStep};
use unhat::solve::Step;
use unhat_report::convergence_image;

/// (iteration, passes, work, decrement, residual, step, certificate), the columns of the command line's `--history`.
pub(crate) type Steps = Vec<(u32, u32, f64, f64, f64, f64, f64)>;

/// Steps as numbers; a bound that could not be had is NaN.
pub(crate) fn steps(history: &[Step]) -> Steps {
    let numbers = |s: &Step| {
        let certificate = s.certificate.unwrap_or(f64::NAN);
        (s.iteration, s.passes, s.work, s.decrement, s.residual, s.step_length, certificate)
    };
    history.iter().map(numbers).collect()
}

/// The chart of the steps, JSON: {question, answer, legend, svg}, or null where no step was taken.
#[pyfunction]
pub(crate) fn convergence_chart(py: Python<'_>, method: String, history: Steps) -> PyResult<String> {
    let known = |value: f64| Some(value).filter(|value| value.is_finite());
    let step =
        |(iteration, passes, _, decrement, residual, _, certificate): (u32, u32, f64, f64, f64, f64, f64)| TraceStep {
            iteration,
            passes: Some(passes.into()),
            decrement: known(decrement),
            residual: known(residual),
            certificate: known(certificate),
        };
    let trace = Trace { method, steps: history.into_iter().map(step).collect() };
    written(py, &convergence_image(&[trace]))
}
