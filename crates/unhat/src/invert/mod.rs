//! From a released gradient back to the parameters: the tilted barrier, three curvatures, a certificate. From released
//! scores: see [`scores`].

mod answer;
mod certificate;
mod choice;
mod conjugate;
mod coreset;
mod exact;
#[cfg(feature = "report")]
mod fingerprint;
mod gradient;
pub mod hat;
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

pub use answer::Inversion;
pub use certificate::Certificate;
pub use choice::{ScoreSource, Solver, predicted_work};
#[cfg(feature = "report")]
pub use fingerprint::{fingerprint_of_inversion, fingerprint_of_regularised};
pub use gradient::{Checkpoint, InvertOptions, SavedSolve, invert_gradient};
pub use regularised::{
    CurvatureEstimate, CurvatureMethod, DiagonalInversion, Extent, Fold, FoldKind, MinimaSought, Minimum, ObjectiveAt,
    Origin, Proof, RegularisedCertificate, RegularisedInversion, RegularisedOptions, invert_diagonal,
    invert_regularised, invert_regularised_from, regularised_objective,
};
pub use request::{GradientRequest, SolverChoice};
pub use start::{Start, StartKind, StartReport};
pub use tilted::{Tilted, TiltedPoint};
