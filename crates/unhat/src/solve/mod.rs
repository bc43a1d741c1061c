//! Damped Newton and the ways to get its curvature.
mod outcome;
pub use outcome::{Status, Step};
