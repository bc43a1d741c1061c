//! Leverage scores, their gradient, and the way back.
//!
//! Leverage scores σ(x) say how much each row of a data matrix matters. This library computes them
//! ([`leverage::leverage_scores`]), evaluates their gradient g(x) = −A_xᵀσ and its derivatives ([`barrier::Barrier`]), and
//! inverts the gradient: from a released c it recovers the hidden x with g(x) = c ([`invert::invert_gradient`]), with a
//! proven bound on the distance to the exact solution.
//!
//! Everything runs in sweeps over blocks of rows ([`rows`]): n×d is never copied, n×n never formed, results do not depend on
//! the number of threads. A sweep over dense rows costs n·d² flops; sparse rows cost Σ nnz(aᵢ)².

pub mod audit;
pub mod barrier;
#[cfg(feature = "candle")]
pub mod candle;
mod error;
pub mod feasible;
pub mod gram;
pub mod influence;
pub mod invert;
pub mod leverage;
pub mod linalg;
pub mod memory;
pub mod models;
pub mod natural;
pub mod normal;
pub mod oracle;
pub mod random;
pub mod rows;
mod run;
pub mod solve;
pub mod training;

pub use error::{Error, ErrorKind, Result};
pub use run::{Event, Run};
