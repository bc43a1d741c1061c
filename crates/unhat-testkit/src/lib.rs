//! What the tests of unhat compare against: slow references, exact solutions, generated problems, known answers.
//!
//! Matrices are plain slices, row-major; n is the length of b and d the length of x.

pub mod adversarial;
mod big;
pub mod close;
pub mod closed_form;
pub mod disclosure;
mod double_double;
pub mod elimination;
pub mod generate;
pub mod known;
pub mod orthonormal;
pub mod precise;
mod real;
pub mod reference;
pub mod regularised;
pub mod sparse;

pub use big::Big;
pub use double_double::Dd;
pub use real::Real;
