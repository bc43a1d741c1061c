//! From a released gradient back to the parameters: the tilted barrier, three curvatures, a certificate. From released
//! scores: see [`scores`].

mod certificate;
mod conjugate;
mod coreset;
mod exact;
#[cfg(feature = "report")]
mod fingerprint;
mod gradient;
mod local_metric;
#[cfg(feature = "report")]
pub mod page;
mod regularised;
#[cfg(feature = "report")]
pub mod report;
mod request;
mod sample;
mod sampled;
#[cfg(feature = "report")]
mod saved;
pub mod scores;
mod start;
mod surrogate;
mod tilted;
mod tilted_oracle;
mod units;

pub use certificate::Certificate;
#[cfg(feature = "report")]
pub use fingerprint::{fingerprint_of_inversion, fingerprint_of_regularised};
pub use gradient::{
    Checkpoint, Inversion, InvertOptions, SavedSolve, ScoreSource, Solver, invert_gradient, predicted_work,
};
pub use regularised::{
    CurvatureEstimate, CurvatureMethod, DiagonalInversion, Extent, Fold, FoldKind, MinimaSought, Minimum, ObjectiveAt,
    Origin, Proof, RegularisedCertificate, RegularisedInversion, RegularisedOptions, invert_diagonal,
    invert_regularised, invert_regularised_from, regularised_objective,
};
pub use request::{GradientRequest, SolverChoice};
pub use start::{Start, StartKind, StartReport};
pub use tilted::{Tilted, TiltedPoint};
