//! From published hat values of a weighted fit back to the weights: a convex problem, its answer proven entry by entry.

mod answer;
mod basis;
mod coefficients;
mod column;
mod components;
mod coordinates;
mod descent;
mod drawn;
mod enclosure;
#[cfg(feature = "report")]
mod fingerprint;
mod inversion;
mod options;
mod outcomes;
#[cfg(feature = "report")]
pub mod page;
mod point;
mod release;
mod repeats;
#[cfg(feature = "report")]
mod report;
mod ridged;
mod rounding;
mod solve;
mod spread;
mod witness;

pub use answer::{HatComponent, HatInversion, HatStatus, NearComponent, Silence};
pub use coefficients::{HatCoefficients, HatModel, invert_hat_of_model};
pub use column::{ColumnInversion, MOST_KNOWN_COLUMNS, invert_column};
#[cfg(feature = "report")]
pub use fingerprint::fingerprint_of_hat;
pub use inversion::{HatCheckpoint, invert_hat};
pub(crate) use inversion::{LogWeights, log_weights};
pub use options::{HatOptions, HatPrecision};
pub use outcomes::{OutcomeInversion, ResidualKind, invert_outcomes};
pub(crate) use release::{HatRelease, errors_of};
pub(crate) use repeats::repeats;
#[cfg(feature = "report")]
pub use report::{ColumnReport, HatReport, OutcomeReport};
pub use witness::Impossible;
