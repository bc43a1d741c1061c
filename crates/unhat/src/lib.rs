//! Leverage scores, their gradient, and the way back.
//!
//! Leverage scores σ(x) say how much each row of a data matrix matters. This library computes them
//! ([`leverage::leverage_scores`]), evaluates their gradient g(x) = −A_xᵀσ and its derivatives ([`barrier::Barrier`]), and
//! inverts the gradient: from a released c it recovers the hidden x with g(x) = c ([`invert::invert_gradient`]), with a
//! proven bound on the distance to the exact solution.
//!
//! Everything runs in sweeps over blocks of rows ([`rows`]): n×d is never copied, n×n never formed, results do not depend on
//! the number of threads. A sweep over dense rows costs n·d² flops; sparse rows cost Σ nnz(aᵢ)².
//!
//! Models of a table, and what each row did to them, are the crate `unhat-models`.

// Some of the lower rooms serve the upper ones alone.
#![cfg_attr(not(all(feature = "invert", feature = "report")), allow(dead_code, unused_imports))]

#[cfg(all(feature = "invert", feature = "report"))]
pub mod audit;
pub mod barrier;
mod error;
#[cfg(feature = "invert")]
pub mod feasible;
pub mod gram;
#[cfg(feature = "invert")]
pub mod invert;
pub mod kernels;
pub mod leverage;
mod linalg;
pub mod normal;
pub mod oracle;
pub mod random;
#[cfg(feature = "report")]
pub mod report;
pub mod rows;
mod run;
pub mod solve;

pub use error::{Error, ErrorKind, Result};
pub use run::{Event, Run};
