//! The extension module `unhat._unhat`: NumPy arrays in, the library's answers out. It holds no algorithm and no default.
//!
//! The functions here are what `python/unhat` calls; people import that. Arrays arrive as float64 in C order, sparse rows
//! as the three arrays of CSR, files as `Table`. An answer of many parts leaves as the JSON object that the
//! command line prints, floats to the last bit.

mod absorb;
mod arrow;
mod audit;
mod audit_fit;
mod backward;
mod captured;
mod data;
mod defaults;
mod diagnose;
mod distributed;
mod facts;
mod failure;
mod figures;
mod formula;
mod forward;
mod frame_table;
mod given;
mod hat;
mod history;
mod influence;
mod inverted;
mod learning;
mod model_scores;
mod outputs;
mod progress;
mod rank;
mod streamed;
mod text;
mod training;
mod weights;
mod words;
mod work;

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command line with `arguments` (the first is the program's own name) and returns its exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| unhat_cli::run(arguments, &mut std::io::stdout(), &mut std::io::stderr()))
}

/// What `python/unhat` is made from.
#[pymodule]
fn _unhat(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<data::Table>()?;
    module.add_function(wrap_pyfunction!(main, module)?)?;
    module.add_function(wrap_pyfunction!(defaults::defaults, module)?)?;
    module.add_class::<frame_table::FrameTable>()?;
    module.add_function(wrap_pyfunction!(arrow::arrow_matrix, module)?)?;
    module.add_function(wrap_pyfunction!(streamed::table_of_stream, module)?)?;
    module.add_function(wrap_pyfunction!(data::read_vector, module)?)?;
    module.add_function(wrap_pyfunction!(forward::leverage_scores, module)?)?;
    module.add_function(wrap_pyfunction!(model_scores::model_scores, module)?)?;
    module.add_function(wrap_pyfunction!(rank::rank_k_scores, module)?)?;
    module.add_function(wrap_pyfunction!(absorb::absorbed_scores, module)?)?;
    module.add_function(wrap_pyfunction!(distributed::files_of_table, module)?)?;
    module.add_function(wrap_pyfunction!(distributed::answer, module)?)?;
    module.add_function(wrap_pyfunction!(distributed::distributed_scores, module)?)?;
    module.add_function(wrap_pyfunction!(distributed::write_rows, module)?)?;
    module.add_function(wrap_pyfunction!(weights::lewis_weights, module)?)?;
    module.add_function(wrap_pyfunction!(weights::d_optimal_design, module)?)?;
    module.add_function(wrap_pyfunction!(forward::leverage_gradient, module)?)?;
    module.add_function(wrap_pyfunction!(forward::barrier, module)?)?;
    module.add_function(wrap_pyfunction!(forward::row_factor, module)?)?;
    module.add_function(wrap_pyfunction!(forward::leverage_of, module)?)?;
    module.add_function(wrap_pyfunction!(history::convergence_chart, module)?)?;
    module.add_function(wrap_pyfunction!(backward::invert_gradient, module)?)?;
    module.add_function(wrap_pyfunction!(backward::invert_scores, module)?)?;
    module.add_function(wrap_pyfunction!(hat::invert_hat, module)?)?;
    module.add_function(wrap_pyfunction!(hat::invert_outcomes, module)?)?;
    module.add_function(wrap_pyfunction!(hat::invert_column, module)?)?;
    module.add_function(wrap_pyfunction!(hat::hat_page, module)?)?;
    module.add_function(wrap_pyfunction!(inverted::inversion_page, module)?)?;
    module.add_function(wrap_pyfunction!(learning::score_jvp, module)?)?;
    module.add_function(wrap_pyfunction!(learning::score_vjp, module)?)?;
    module.add_function(wrap_pyfunction!(learning::uniform, module)?)?;
    module.add_function(wrap_pyfunction!(learning::layer_metric, module)?)?;
    module.add_function(wrap_pyfunction!(learning::natural_coefficients, module)?)?;
    module.add_function(wrap_pyfunction!(audit::audit, module)?)?;
    module.add_function(wrap_pyfunction!(audit::audit_page, module)?)?;
    module.add_function(wrap_pyfunction!(audit::audit_images, module)?)?;
    module.add_function(wrap_pyfunction!(audit_fit::audit_fit, module)?)?;
    module.add_function(wrap_pyfunction!(audit_fit::fit_audit_page, module)?)?;
    module.add_function(wrap_pyfunction!(audit_fit::fit_audit_images, module)?)?;
    module.add_function(wrap_pyfunction!(audit::write_page, module)?)?;
    module.add_function(wrap_pyfunction!(diagnose::diagnose, module)?)?;
    module.add_function(wrap_pyfunction!(outputs::audit_outputs, module)?)?;
    module.add_function(wrap_pyfunction!(outputs::outputs_page, module)?)?;
    module.add_function(wrap_pyfunction!(outputs::write_acro, module)?)?;
    module.add_function(wrap_pyfunction!(outputs::read_file, module)?)?;
    module.add_function(wrap_pyfunction!(figures::diagnosis_figure, module)?)?;
    module.add_function(wrap_pyfunction!(influence::influence, module)?)?;
    module.add_function(wrap_pyfunction!(influence::influence_check, module)?)?;
    module.add_function(wrap_pyfunction!(influence::influence_trim, module)?)?;
    module.add_function(wrap_pyfunction!(influence::influence_page, module)?)?;
    module.add_function(wrap_pyfunction!(influence::influence_images, module)?)?;
    module.add_function(wrap_pyfunction!(captured::captured_influence, module)?)?;
    module.add_function(wrap_pyfunction!(training::train, module)?)?;
    module.add_function(wrap_pyfunction!(training::training_page, module)?)?;
    module.add_function(wrap_pyfunction!(training::training_images, module)?)?;
    module.add_function(wrap_pyfunction!(training::write_model, module)?)?;
    module.add_function(wrap_pyfunction!(training::predict, module)?)?;
    Ok(())
}
