//! Fast natural gradient: the weighted sum of per-sample gradients, its shared coefficients, and the shared input metric.
//!
//! [`natural_coefficients`] is the exact step in its dual form, [`CoefficientTable`] shares it across epochs as FNGD does,
//! [`LayerMetric`] shares the second moment of a layer's inputs instead: ours, a low-rank relative of one-sided K-FAC and
//! FOOF, not the paper's. [`Kfac`] is the rule that both are compared with.

mod coefficients;
mod fngd;
mod fresh_metric;
mod kfac;
mod metric;
mod shared_metric;
mod table;
mod windows;

pub use coefficients::{Damping, natural_coefficients, network_kernel};
pub use fngd::{Decay, Fngd, FngdOptions, Refresh, Scope};
pub use fresh_metric::{dual_direction, fresh_direction, primal_direction};
pub use kfac::{Fisher, Kfac, KfacOptions};
pub use metric::{LayerMetric, MetricOperator, MetricOptions, REFRESH_STEPS};
pub use shared_metric::{BaseRule, MetricControl, MetricRefresh, SharedMetric};
pub use table::{CoefficientTable, Share};
pub use windows::Windows;
