//! Damped Newton over an oracle, and how a solve can end.

mod newton;
mod outcome;

pub use newton::{NewtonOptions, NewtonOutcome, State, newton};
pub use outcome::{Status, Step};
