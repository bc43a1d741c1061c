//! The first thing a user of the crate meets: scores in one call, and a builder for each larger question. A builder collects
//! what is asked, checks it where it is used, and calls the function of the room that answers.

#[cfg(all(feature = "invert", feature = "report"))]
mod audit;
#[cfg(feature = "invert")]
mod hat;
#[cfg(feature = "invert")]
mod invert;
mod scores;

#[cfg(all(feature = "invert", feature = "report"))]
pub use audit::Audit;
#[cfg(feature = "invert")]
pub use hat::InvertHat;
#[cfg(feature = "invert")]
pub use invert::{Centre, InvertGradient, InvertRegularised, InvertScores};
pub use scores::{LeverageScores, scores};
