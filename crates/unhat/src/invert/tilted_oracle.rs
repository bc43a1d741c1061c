//! What a solver may ask of φ(x) = V(x) − cᵀx.

use super::certificate::{cheap_rho, distance_so_far};
use super::tilted::{Tilted, TiltedPoint, norm_of};
use crate::error::Result;
use crate::gram::FactorMethod;
use crate::linalg::{dot, norm};
use crate::oracle::{NewtonStep, Oracle};
use crate::run::Run;
use std::cell::OnceCell;

impl Oracle for Tilted<'_> {
    type Point = TiltedPoint;

    fn dim(&self) -> usize {
        self.barrier.dim()
    }

    fn at(&self, x: &[f64], metric: bool, run: &Run<'_>) -> Result<Option<TiltedPoint>> {
        Ok(self.barrier.at(x, metric, run)?.map(|base| TiltedPoint {
            value: base.value - dot(self.target, x),
            gradient: base.gradient.iter().zip(self.target).map(|(g, c)| g - c).collect(),
            base,
            noise: OnceCell::new(),
        }))
    }

    fn x<'p>(&self, point: &'p TiltedPoint) -> &'p [f64] {
        &point.base.x
    }

    fn value(&self, point: &TiltedPoint) -> f64 {
        point.value
    }

    fn gradient<'p>(&self, point: &'p TiltedPoint) -> &'p [f64] {
        &point.gradient
    }

    fn residual(&self, point: &TiltedPoint) -> f64 {
        match self.units {
            None => norm(&point.gradient),
            Some(powers) => norm_of(point.gradient.iter().zip(powers).map(|(g, e)| libm::ldexp(*g, -e))),
        }
    }

    fn step_to_boundary(&self, point: &TiltedPoint, h: &[f64], run: &Run<'_>) -> Result<f64> {
        self.barrier.step_to_boundary(&point.base, h, run)
    }

    /// |aᵢh/sᵢ| ≤ ρ‖h‖_Q, with a hundredth to spare for rounding.
    fn surely_within(&self, point: &TiltedPoint, step: &NewtonStep, share: f64) -> bool {
        let Some(metric) = step.metric.as_ref().filter(|_| !self.barrier.sketched()) else { return false };
        cheap_rho(&point.base.scores) * metric.norm(&step.direction) < 0.99 * share
    }

    /// 2ε √(Σ σᵢτᵢ²): half an ulp in each slack moves G by this much in the metric M⁻¹ ≽ … of the barrier.
    fn rounding_floor(&self, point: &TiltedPoint, run: &Run<'_>) -> Result<f64> {
        Ok(2.0 * f64::EPSILON * self.slack_noise(point, run)?.weighted)
    }

    /// √d·d·ε·κ, the factor's part of the certificate's η.
    fn evaluation_noise(&self, point: &TiltedPoint) -> f64 {
        let d = point.gradient.len() as f64;
        let growth = match point.base.factor.method() {
            FactorMethod::Cholesky => point.base.factor.gram_condition(),
            _ => point.base.factor.condition(),
        };
        d.sqrt() * d * f64::EPSILON * growth
    }

    fn too_coarse_below(&self) -> f64 {
        if self.barrier.sketched() { SKETCHED_ABOVE } else { 0.0 }
    }

    /// Sketched scores prove nothing.
    fn proven_distance(&self, point: &TiltedPoint, step: &NewtonStep, run: &Run<'_>) -> Result<Option<f64>> {
        if self.barrier.sketched() { Ok(None) } else { distance_so_far(self, point, step, run) }
    }

    fn refine(&self) -> bool {
        if self.barrier.sketched() {
            self.barrier.set_sketch(None, 0);
            return true;
        }
        let next = match self.barrier.precision() {
            FactorMethod::Cholesky => FactorMethod::CholeskyQr2,
            FactorMethod::CholeskyQr2 => FactorMethod::Tsqr,
            FactorMethod::Tsqr => return false,
        };
        self.barrier.set_precision(next);
        true
    }

    fn effort(&self) -> (u32, f64) {
        (self.barrier.passes(), self.barrier.work())
    }

    fn set_effort(&self, (passes, work): (u32, f64)) {
        self.barrier.resume_counts(passes, work);
    }
}

/// Sketched scores serve while the decrement is above this: steps there are damped, and a direction to a tenth will do.
const SKETCHED_ABOVE: f64 = 1.0;
