//! Newton's method on L in a trust region, exact in the Gauss–Newton frame where tensors are at hand.

use super::conjugate_model::{Directions, ProductModel};
use super::frame::Frame;
use super::method::CurvatureMethod;
use super::model::{BoundedStep, Model};
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
/// After a larger change of some slack what was learnt of ∇²L is forgotten.
const FAR: f64 = 0.3;
/// A trust region this small against the residual can gain nothing.
const SMALLEST_RADIUS: f64 = 1e-14;

/// Minimises L from `first` on by Newton steps in a trust region.
///
/// z minimises the model over ‖z‖ ≤ Δ;  Δ falls to ‖z‖/4 where L gained less than a tenth of the prediction and grows
/// 2.5-fold at the boundary where it gained more than 0.7 of it. Stops by the relative change of the slacks, which does
/// not depend on the units of x, A or w.
///
/// # Cost
/// One evaluation a trial; a step takes third moments (2n·d³/3 flops) or products.
pub(super) fn descend(
    objective: &Objective<'_>,
    first: Place,
    options: DescentOptions,
    watch: &mut Watch<'_>,
    run: &Run<'_>,
) -> Result<Descent> {
    descend_in_frame(objective, first, None, options, watch, run)
}

/// [`descend`] where the frame of the first point is known already.
pub(super) fn descend_in_frame(
    objective: &Objective<'_>,
    first: Place,
    mut frame: Option<Frame>,
    options: DescentOptions,
    watch: &mut Watch<'_>,
    run: &Run<'_>,
) -> Result<Descent> {
    let mut place = first;
    let mut radius = None;
    let mut last_change = f64::INFINITY;
    let directions = Directions::default();
    for _ in 0..options.max_iterations {
        run.check()?;
        let model: Box<dyn Model + '_> = match frame.take() {
            Some(frame) => Box::new(FramedModel { frame, place: &place }),
            None => model_at(objective, &place, &directions, options.tolerance, run)?,
        };
        let mut delta = *radius.get_or_insert(2.0 * model.slope() + f64::MIN_POSITIVE);
        let next = loop {
            run.check()?;
            let step = model.step(delta, run)?;
            let v = objective.slack_changes(&place, &step.h, run)?;
            let change = v.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let loss = -v.iter().fold(0.0, |m: f64, v| m.min(*v));
            let tiny = change < options.tolerance || (change < NEAR_THE_FLOOR && change >= 0.5 * last_change);
            if step.interior && tiny {
                watch(&place, change);
                drop(model);
                return Ok(Descent { place: last_step(objective, place, &step.h, run)?, converged: true });
            }
            if loss > SLACK_LOSS_CAP {
                delta = (0.999 * step.length * SLACK_LOSS_CAP / loss).min(0.9 * delta);
                continue;
            }
            let trial = objective.at(&moved(&place, &step.h), run)?;
            let ratio = match &trial {
                None => -1.0,
                Some(_) if -step.change <= ROUNDING_SHARE * place.value => 1.0,
                Some(trial) => (trial.value - place.value) / step.change,
            };
            if ratio.is_nan() || ratio < 0.1 {
                delta = 0.25 * step.length;
            } else if ratio > 0.7 && !step.interior {
                delta *= 2.5;
            }
            if let Some(trial) = trial
                && ratio > 1e-3
            {
                watch(&place, change);
                last_change = if step.interior { change } else { f64::INFINITY };
                if change > FAR {
                    directions.forget();
                }
                break Some(trial);
            }
            if change == 0.0 || delta <= SMALLEST_RADIUS * (2.0 * place.value).sqrt() {
                break None;
            }
        };
        radius = Some(delta);
        drop(model);
        match next {
            Some(next) => place = next,
            None => return Ok(Descent { place, converged: false }),
        }
    }
    Ok(Descent { place, converged: false })
}

fn model_at<'m>(
    objective: &'m Objective<'_>,
    place: &'m Place,
    directions: &'m Directions,
    tolerance: f64,
    run: &Run<'_>,
) -> Result<Box<dyn Model + 'm>> {
    Ok(match objective.method {
        CurvatureMethod::Tensors => {
            let frame = Frame::new(objective, place, &objective.curvature(place, run)?)?;
            Box::new(FramedModel { frame, place })
        }
        CurvatureMethod::Products | CurvatureMethod::Coreset => {
            Box::new(ProductModel::new(objective, place, directions, tolerance, run)?)
        }
    })
}

/// The exact model: diagonal in the Gauss–Newton frame.
struct FramedModel<'m> {
    frame: Frame,
    place: &'m Place,
}

impl Model for FramedModel<'_> {
    fn slope(&self) -> f64 {
        norm(&self.frame.slope)
    }

    fn step(&self, radius: f64, _run: &Run<'_>) -> Result<BoundedStep> {
        let Frame { slope, curvature, .. } = &self.frame;
        let (z, interior) = bounded_minimiser(slope, curvature, radius);
        let change = z.iter().zip(slope).zip(curvature).map(|((z, q), m)| q * z + 0.5 * m * z * z).sum();
        let h = self.place.base.factor.half_solve_transposed(&self.frame.whitened(&z));
        Ok(BoundedStep { h, length: norm(&z), change, interior })
    }
}

fn moved(place: &Place, h: &[f64]) -> Vec<f64> {
    place.base.x.iter().zip(h).map(|(x, h)| x + h).collect()
}

/// The step that was too small to be judged, taken where it leaves the cell intact.
fn last_step(objective: &Objective<'_>, place: Place, h: &[f64], run: &Run<'_>) -> Result<Place> {
    let x = moved(&place, h);
    if x == place.base.x {
        return Ok(place);
    }
    Ok(objective.at(&x, run)?.unwrap_or(place))
}

/// argmin slopeᵀz + ½ Σ curvatureₖzₖ² over ‖z‖ ≤ radius, and whether it is the free minimiser of a convex model;
/// `curvature` is increasing.
///
/// z(ν) = −slope/(curvature + ν) with the ν ≥ max(0, −curvature₀) at which ‖z‖ = radius, by bisection. Where no ν does
/// (the hard case: no slope along the lowest axis) the rest of the radius goes along that axis.
fn bounded_minimiser(slope: &[f64], curvature: &[f64], radius: f64) -> (Vec<f64>, bool) {
    let at = |shift: f64| -> Vec<f64> {
        slope.iter().zip(curvature).map(|(q, m)| -q / (m + shift).max(f64::MIN_POSITIVE)).collect()
    };
    if curvature[0] > 0.0 {
        let z = at(0.0);
        if norm(&z) <= radius {
            return (z, true);
        }
    }
    let least = (-curvature[0]).max(0.0);
    let above = least + 1e-14 * least.max(1.0);
    let mut z = at(above);
    if norm(&z) < radius {
        let room = (radius * radius - norm(&z).powi(2)).max(0.0).sqrt();
        z[0] += if slope[0] <= 0.0 { room } else { -room };
        return (z, false);
    }
    let (mut low, mut high) = (least, least + norm(slope) / radius + 1e-12);
    while high - low > 4.0 * f64::EPSILON * high {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if norm(&at(middle)) > radius { low = middle } else { high = middle }
    }
    (at(high), false)
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
                let (z, _) = bounded_minimiser(&slope, &curvature, radius);
                assert!(norm(&z) <= radius * (1.0 + 1e-9));
                let best = (0..400_000)
                    .map(|k| {
                        let (angle, r) = (
                            (k % 2000) as f64 * std::f64::consts::TAU / 2000.0,
                            radius * (k / 2000 + 1) as f64 / 200.0,
                        );
                        value(&slope, &curvature, &[r * angle.cos(), r * angle.sin()])
                    })
                    .fold(0.0, f64::min);
                let found = value(&slope, &curvature, &z);
                assert!(found <= best + 1e-9 * best.abs(), "{slope:?} {curvature:?} {radius}: {found} > {best}");
            }
        }
    }
}
