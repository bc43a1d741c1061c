//! The volumetric barrier V(x) = ½ log det AᵀS⁻²A of a cell: its value, gradient (the leverage score gradient),
//! second and third derivatives, and the Jacobian of the scores.

mod cell;
mod contraction;
mod doubled;
mod gradient;
mod hessian;
mod jacobian;
mod metric;
mod point;
mod products;
mod sparse;
mod sums;
mod third;
mod third_products;

pub use cell::{Barrier, Point, Side};
pub use gradient::{LeverageGradient, leverage_gradient, nonzero_slack, slack_at};
pub(crate) use hessian::ThirdMoments;
pub use hessian::WhitenedHessian;
pub(crate) use hessian::unwhiten;
pub use jacobian::ScoreNormalEquations;
pub use third::WhitenedCurvature;
pub use third_products::ThirdDirection;
