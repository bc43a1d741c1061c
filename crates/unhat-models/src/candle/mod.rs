//! Natural gradients for networks in candle: layers that keep their inputs when asked, and the optimisers that ask.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use candle_nn::{Module, Optimizer, VarBuilder, VarMap, loss::mse};
//! use unhat_models::candle::{FngdMetric, FngdMetricConfig, Linear};
//!
//! let variables = VarMap::new();
//! let builder = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
//! let hidden = Linear::wrap(candle_nn::linear(3, 8, builder.pp("hidden"))?)?;
//! let output = Linear::wrap(candle_nn::linear(8, 1, builder.pp("output"))?)?;
//!
//! let config = FngdMetricConfig { layers: vec![hidden.watched(), output.watched()], ..FngdMetricConfig::default() };
//! let mut optimiser = FngdMetric::new(variables.all_vars(), config)?;
//! let x = Tensor::new(&[[0f32, 1., 2.], [1., 1., 0.], [2., 0., 1.]], &Device::Cpu)?;
//! let y = Tensor::new(&[[1f32], [0.], [2.]], &Device::Cpu)?;
//! for _ in 0..3 {
//!     let loss = mse(&output.forward(&hidden.forward(&x)?.relu()?)?, &y)?;
//!     optimiser.backward_step(&loss)?;
//! }
//! # Ok::<(), candle_core::Error>(())
//! ```
//!
//! Numbers of any float type are widened to double precision where a metric or a coefficient is found (on seven steps of the
//! first epoch); the step itself is taken in the type and on the device of the weights.

mod base;
mod fngd;
mod layers;
mod metric;
mod rows;

pub use base::Base;
pub use fngd::{CandleFngd, FngdConfig};
pub use layers::{Conv2d, Linear, Watched};
pub use metric::{FngdMetric, FngdMetricConfig};

/// An error of ours on its way through candle.
fn carried(error: unhat::Error) -> candle_core::Error {
    candle_core::Error::wrap(error)
}

/// A refusal: `option: found …, expected …` as everywhere.
fn refused(name: &str, reason: String) -> candle_core::Error {
    carried(unhat::ErrorKind::Option { name: name.into(), reason }.into())
}
