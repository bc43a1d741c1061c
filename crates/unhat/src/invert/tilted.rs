//! φ(x) = V(x) − cᵀx: convex on the cell, and its minimiser is the x with g(x) = c.

use crate::barrier::{Barrier, Point};
use crate::error::Result;
use crate::linalg::norm;
use crate::run::Run;
use std::cell::OnceCell;

/// The barrier tilted by a target.
pub struct Tilted<'a> {
    /// The barrier V.
    pub barrier: &'a Barrier<'a>,
    /// The target c.
    pub target: &'a [f64],
    /// Exponents of the powers of two that bring x back into the units it was asked for in; None: it is in them.
    pub(super) units: Option<&'a [i32]>,
}

/// One evaluation of [`Tilted`].
pub struct TiltedPoint {
    /// The barrier's evaluation.
    pub base: Point,
    /// φ = V − cᵀx.
    pub value: f64,
    /// G = g − c.
    pub gradient: Vec<f64>,
    /// Filled when it is first asked for.
    pub(super) noise: OnceCell<SlackNoise>,
}

/// How much rounding the slacks of a point hold, from τᵢ = (|aᵢ|ᵀ|x| + |bᵢ|)/|sᵢ|.
#[derive(Clone, Copy)]
pub struct SlackNoise {
    /// max τᵢ.
    pub largest: f64,
    /// √(Σ σᵢτᵢ²).
    pub weighted: f64,
}

impl Tilted<'_> {
    /// ‖h‖₂ of a step, in the units that x was asked for in.
    pub(super) fn length(&self, h: &[f64]) -> f64 {
        match self.units {
            None => norm(h),
            Some(powers) => norm_of(h.iter().zip(powers).map(|(h, e)| libm::ldexp(*h, *e))),
        }
    }

    /// The rounding of the slacks.
    ///
    /// # Cost
    /// One product |A|·|x|, once a point.
    pub fn slack_noise(&self, point: &TiltedPoint, run: &Run<'_>) -> Result<SlackNoise> {
        if let Some(known) = point.noise.get() {
            return Ok(*known);
        }
        let tau = self.barrier.slack_rounding(&point.base, run)?;
        let largest = tau.iter().fold(0.0, |a: f64, b| a.max(*b));
        let sum: f64 = tau.iter().zip(&point.base.scores).map(|(t, sigma)| sigma * t * t).sum();
        Ok(*point.noise.get_or_init(|| SlackNoise { largest, weighted: sum.sqrt() }))
    }
}

/// ‖v‖₂, where squares may over- or underflow.
pub(super) fn norm_of(v: impl Iterator<Item = f64>) -> f64 {
    v.fold(0.0, libm::hypot)
}
