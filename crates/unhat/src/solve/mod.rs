//! Damped Newton over an oracle, and how a solve can end.

mod newton;
mod step;

pub use newton::{NewtonOptions, NewtonSolution, State, newton};
pub use step::{Status, Step};
