//! Weights that make rows balanced: ℓp Lewis weights, and D-optimal designs (John ellipsoids), each with its certificate.

mod anderson;
mod design;
mod forms;
mod interior;
mod lewis;
mod lifted;
#[cfg(feature = "report")]
mod report;
mod whitened;

pub use design::{Design, DesignOptions, d_optimal_design};
pub use lewis::{LewisOptions, LewisWeights, lewis_weights};
#[cfg(feature = "report")]
pub use report::{DesignReport, LewisReport};
