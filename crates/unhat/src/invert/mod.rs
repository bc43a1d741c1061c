//! From a released gradient back to the parameters: the tilted barrier, three curvatures, a certificate. From released
//! scores: see [`scores`].

mod certificate;
mod conjugate;
mod coreset;
mod exact;
mod gradient;
mod local_metric;
mod regularised;
mod request;
mod sample;
mod sampled;
pub mod scores;
mod start;
mod surrogate;
mod tilted;
mod units;

pub use certificate::Certificate;
pub use gradient::{Checkpoint, Inversion, InvertOptions, ScoreSource, Solver, invert_gradient, predicted_work};
pub use regularised::{
    CurvatureMethod, DiagonalInversion, Fold, FoldKind, Minimum, ObjectiveAt, Origin, Proof, RegularisedCertificate,
    RegularisedInversion, RegularisedOptions, invert_diagonal, invert_regularised, regularised_objective,
};
pub use request::{GradientRequest, SolverAsked};
pub use start::{Start, StartReport};
pub use tilted::{Tilted, TiltedPoint};
