//! Leverage scores, their gradient, and the way back.

mod error;
pub mod linalg;
pub mod random;
pub mod rows;
mod run;
pub mod solve;

pub use error::{Error, ErrorKind, Result};
pub use run::{Event, Run};
