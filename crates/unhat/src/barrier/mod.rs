//! The volumetric barrier V(x) = ½ log det AᵀS⁻²A of a cell: its value, gradient (the leverage score gradient),
//! second and third derivatives, and the Jacobian of the scores.

mod hessian;
mod jacobian;
mod point;
mod products;
mod third;

pub use jacobian::ScoreNormalEquations;
pub(crate) use point::slack_at;
pub use point::{Barrier, Point, Side};
