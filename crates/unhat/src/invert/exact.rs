//! `exact`: the Hessian itself, formed from third moments.

use super::local_metric::of_hessian;
use super::tilted::{Tilted, TiltedPoint};
use crate::error::{ErrorKind, Result};
use crate::linalg;
use crate::oracle::{Arrival, Curvature, NewtonStep, SLACK_LOSS_CAP};
use crate::run::Run;

/// Newton steps with the exact Hessian.
pub(super) struct ExactHessian;

impl Curvature<Tilted<'_>> for ExactHessian {
    fn needs_metric(&self) -> bool {
        false
    }

    fn step(&mut self, phi: &Tilted<'_>, point: &TiltedPoint, _arrival: &Arrival, run: &Run<'_>) -> Result<NewtonStep> {
        let d = point.gradient.len();
        let mut hessian = phi.barrier.whitened_hessian(&point.base, run)?;
        let factored = linalg::cholesky_in_place(&mut hessian.h, d) && linalg::cholesky_in_place(&mut hessian.q, d);
        if !factored {
            return Err(ErrorKind::Numerical {
                reason: "the exact Hessian is not positive definite to rounding; use the solver cg".into(),
            }
            .into());
        }
        let gradient = point.base.factor.half_solve(&point.gradient);
        let mut y = linalg::cholesky_solve(&hessian.h, &gradient);
        y.iter_mut().for_each(|v| *v = -*v);
        Ok(NewtonStep {
            direction: point.base.factor.half_solve_transposed(&y),
            decrement: linalg::norm(&linalg::solve_lower(&hessian.q, &gradient)),
            metric: Some(of_hessian(&point.base, &hessian.h)),
            slack_cap: SLACK_LOSS_CAP,
            reach: None,
        })
    }
}
