//! Newton's method on L: an exact trust region in the Gauss–Newton frame.

use super::frame::Frame;
use super::objective::{Objective, Place};
use crate::error::Result;
use crate::linalg::norm;
use crate::oracle::SLACK_LOSS_CAP;
use crate::run::Run;

/// When a descent stops.
#[derive(Clone, Copy)]
pub(super) struct DescentOptions {
    /// Bound on the largest relative change ‖A_xδ‖∞ of a slack.
    pub tolerance: f64,
    /// Steps allowed.
    pub max_iterations: u32,
}

/// Where a descent ended.
#[derive(Clone)]
pub(super) struct Descent {
    /// The evaluation at its last point.
    pub place: Place,
    /// The stopping rule is met at a point with positive definite ∇²L.
    pub converged: bool,
}

/// A step as told to whoever watches: the evaluation it starts from, and ‖A_xδ‖∞.
pub(super) type Watch<'w> = dyn FnMut(&Place, f64) + 'w;

/// Below this share of L a predicted gain is rounding, and the step is judged by its size alone.
const ROUNDING_SHARE: f64 = 1e-13;
/// Below this change rounding may stop the halving before the tolerance is met.
const NEAR_THE_FLOOR: f64 = 1e-7;
/// A trust region this small against the residual can gain nothing.
const SMALLEST_RADIUS: f64 = 1e-14;

/// Minimises L from `first` on by Newton steps in an exact trust region.
///
/// z = argmin slopeᵀz + ½ Σ curvatureₖzₖ², ‖z‖ ≤ Δ;  Δ falls to ‖z‖/4 where L gained less than a tenth of the
/// prediction and grows 2.5-fold at the boundary where it gained more than 0.7 of it.
///
/// # Cost
/// One evaluation a trial, third moments (2n·d³/3 flops) a step.
pub(super) fn descend(
    objective: &Objective<'_>,
    first: Place,
    options: DescentOptions,
    watch: &mut Watch<'_>,
    run: &Run<'_>,
) -> Result<Descent> {
    let mut place = first;
    let mut radius = None;
    let mut last_change = f64::INFINITY;
    for _ in 0..options.max_iterations {
        run.check()?;
        let frame = Frame::new(objective, &place, &objective.curvature(&place, run)?)?;
        let scale = (2.0 * place.value).sqrt();
        let mut delta = *radius.get_or_insert(2.0 * norm(&frame.slope) + f64::MIN_POSITIVE);
        let next = loop {
            run.check()?;
            let step = bounded_minimiser(&frame.slope, &frame.curvature, delta);
            let h = place.base.factor.half_solve_transposed(&frame.whitened(&step.z));
            let v = objective.barrier.scaled_rows_times(&place.base, &h, run)?;
            let change = v.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let loss = -v.iter().fold(0.0, |m: f64, v| m.min(*v));
            let tiny = change < options.tolerance || (change < NEAR_THE_FLOOR && change >= 0.5 * last_change);
            if step.interior && tiny {
                watch(&place, change);
                let place = last_step(objective, place, &h, run)?;
                return Ok(Descent { place, converged: true });
            }
            if loss > SLACK_LOSS_CAP {
                delta = (0.999 * norm(&step.z) * SLACK_LOSS_CAP / loss).min(0.9 * delta);
                continue;
            }
            let x: Vec<f64> = place.base.x.iter().zip(&h).map(|(x, h)| x + h).collect();
            let trial = objective.at(&x, run)?;
            let predicted = -step.model_change(&frame);
            let ratio = match &trial {
                None => -1.0,
                Some(_) if predicted <= ROUNDING_SHARE * place.value => 1.0,
                Some(trial) => (place.value - trial.value) / predicted,
            };
            if ratio.is_nan() || ratio < 0.1 {
                delta = 0.25 * norm(&step.z);
            } else if ratio > 0.7 && !step.interior {
                delta *= 2.5;
            }
            if let Some(trial) = trial
                && ratio > 1e-3
            {
                watch(&place, change);
                last_change = if step.interior { change } else { f64::INFINITY };
                break Some(trial);
            }
            if delta <= SMALLEST_RADIUS * scale || change == 0.0 {
                break None;
            }
        };
        radius = Some(delta);
        match next {
            Some(next) => place = next,
            None => return Ok(Descent { place, converged: false }),
        }
    }
    Ok(Descent { place, converged: false })
}

/// The step that was too small to be judged, taken where it leaves the cell intact.
fn last_step(objective: &Objective<'_>, place: Place, h: &[f64], run: &Run<'_>) -> Result<Place> {
    let x: Vec<f64> = place.base.x.iter().zip(h).map(|(x, h)| x + h).collect();
    if x == place.base.x {
        return Ok(place);
    }
    Ok(objective.at(&x, run)?.unwrap_or(place))
}

/// The minimiser of a diagonal quadratic in a ball.
pub(super) struct BoundedMinimiser {
    pub z: Vec<f64>,
    /// Whether it is the free minimiser of a convex model.
    pub interior: bool,
}

impl BoundedMinimiser {
    /// slopeᵀz + ½ Σ curvatureₖzₖ².
    fn model_change(&self, frame: &Frame) -> f64 {
        let terms = self.z.iter().zip(&frame.slope).zip(&frame.curvature);
        terms.map(|((z, q), m)| q * z + 0.5 * m * z * z).sum()
    }
}

/// argmin slopeᵀz + ½ Σ curvatureₖzₖ² over ‖z‖ ≤ radius; `curvature` is increasing.
///
/// z(ν) = −slope/(curvature + ν) with the ν ≥ max(0, −curvature₀) at which ‖z‖ = radius, by bisection. Where no ν does
/// (the hard case: no slope along the lowest axis) the rest of the radius goes along that axis.
pub(super) fn bounded_minimiser(slope: &[f64], curvature: &[f64], radius: f64) -> BoundedMinimiser {
    let at = |shift: f64| -> Vec<f64> {
        slope.iter().zip(curvature).map(|(q, m)| -q / (m + shift).max(f64::MIN_POSITIVE)).collect()
    };
    if curvature[0] > 0.0 {
        let z = at(0.0);
        if norm(&z) <= radius {
            return BoundedMinimiser { z, interior: true };
        }
    }
    let least = (-curvature[0]).max(0.0);
    let above = least + 1e-14 * least.max(1.0);
    let mut z = at(above);
    if norm(&z) < radius {
        let room = (radius * radius - norm(&z).powi(2)).max(0.0).sqrt();
        z[0] += if slope[0] <= 0.0 { room } else { -room };
        return BoundedMinimiser { z, interior: false };
    }
    let (mut low, mut high) = (least, least + norm(slope) / radius + 1e-12);
    while high - low > 4.0 * f64::EPSILON * high {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if norm(&at(middle)) > radius { low = middle } else { high = middle }
    }
    BoundedMinimiser { z: at(high), interior: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(slope: &[f64], curvature: &[f64], z: &[f64]) -> f64 {
        z.iter().zip(slope).zip(curvature).map(|((z, q), m)| q * z + 0.5 * m * z * z).sum()
    }

    /// Against a fine grid of the disc: convex, indefinite, and the hard case.
    #[test]
    fn the_step_is_the_minimum_over_the_ball() {
        for (slope, curvature) in [([1.0, -2.0], [0.5, 2.0]), ([0.3, 1.0], [-1.0, 4.0]), ([0.0, 1.0], [-2.0, 3.0])] {
            for radius in [1e-3, 0.3, 1.0, 5.0] {
                let step = bounded_minimiser(&slope, &curvature, radius);
                assert!(norm(&step.z) <= radius * (1.0 + 1e-9));
                let best = (0..400_000)
                    .map(|k| {
                        let (angle, r) = ((k % 2000) as f64 * std::f64::consts::TAU / 2000.0, radius * (k / 2000 + 1) as f64 / 200.0);
                        value(&slope, &curvature, &[r * angle.cos(), r * angle.sin()])
                    })
                    .fold(0.0, f64::min);
                let found = value(&slope, &curvature, &step.z);
                assert!(found <= best + 1e-9 * best.abs(), "{slope:?} {curvature:?} {radius}: {found} > {best}");
            }
        }
    }
}
