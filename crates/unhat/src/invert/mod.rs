//! From a released gradient back to the parameters: the tilted barrier, three curvatures, a certificate.

mod certificate;
mod conjugate;
mod coreset;
mod exact;
mod gradient;
pub mod scores;
mod start;
mod tilted;

pub use certificate::Certificate;
pub use gradient::{Checkpoint, Inversion, InvertOptions, Solver, invert_gradient, predicted_work};
pub use start::{Start, StartReport};
pub use tilted::{Tilted, TiltedPoint};
