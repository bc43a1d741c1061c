//! The first thing a user of the crate meets: scores in one call, and a builder for each larger question. A builder collects
//! what is asked, checks it where it is used, and calls the function of the room that answers.

#[cfg(all(feature = "invert", feature = "report"))]
mod audit;
#[cfg(feature = "invert")]
mod centre;
#[cfg(feature = "invert")]
mod hat;
#[cfg(feature = "invert")]
mod invert;
#[cfg(feature = "invert")]
mod invert_scores;
mod scores;

#[cfg(all(feature = "invert", feature = "report"))]
pub use audit::Audit;
#[cfg(feature = "invert")]
pub use centre::Centre;
#[cfg(feature = "invert")]
pub use hat::InvertHat;
#[cfg(feature = "invert")]
pub use invert::{InvertGradient, InvertRegularised};
#[cfg(feature = "invert")]
pub use invert_scores::InvertScores;
pub use scores::{LeverageScores, scores};
