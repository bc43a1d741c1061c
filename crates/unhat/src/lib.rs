//! Leverage scores, their gradient, and the way back.
//!
//! Leverage scores σ(x) say how much each row of a data matrix matters. This library computes them ([`scores`]), evaluates
//! their gradient g(x) = −A_xᵀσ and its derivatives ([`barrier::Barrier`]), and inverts the gradient: from a released c it
//! recovers the hidden x with g(x) = c ([`InvertGradient`]), with a proven bound on the distance to the exact solution. From
//! released scores it recovers x too ([`InvertScores`]), and says what a release gives away ([`Audit`]).
//!
//! ```
//! let a = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]; // or a matrix of ndarray, faer, sprs, with the features of these names
//! let scores = unhat::scores(&a)?;
//! # assert_eq!(scores.len(), 3);
//! # Ok::<(), unhat::Error>(())
//! ```
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
#[cfg(any(feature = "faer", feature = "ndarray", feature = "sprs"))]
mod conversions;
pub mod distributed;
mod error;
mod face;
#[cfg(feature = "invert")]
pub mod families;
#[cfg(feature = "invert")]
pub mod feasible;
pub mod gram;
#[cfg(feature = "invert")]
pub mod invert;
pub mod kernels;
pub mod leverage;
mod linalg;
pub mod memory;
pub mod normal;
pub mod oracle;
pub mod random;
#[cfg(feature = "report")]
pub mod report;
pub mod rows;
mod run;
pub mod solve;
pub mod weights;

pub use error::{Error, ErrorKind, Result};
#[cfg(all(feature = "invert", feature = "report"))]
pub use face::Audit;
#[cfg(feature = "invert")]
pub use face::{Centre, InvertGradient, InvertHat, InvertRegularised, InvertScores};
pub use face::{LeverageScores, scores};
pub use rows::Matrix;
pub use run::{Event, Run};
