//! `coreset`: the subsampled Newton step after the paper. Rows are drawn by leverage, and the Hessian is theirs.

use super::local_metric::AnchoredMetric;
use super::sample::{Draw, Sample};
use super::sampled::SampledRows;
use super::tilted::{Tilted, TiltedPoint};
use crate::error::{ErrorKind, Result};
use crate::linalg::{self, norm};
use crate::oracle::{Arrival, Curvature, LocalMetric, NewtonStep, Oracle, SLACK_LOSS_CAP};
use crate::run::Run;

/// Newton steps with the Hessian of rows drawn by their leverage scores.
pub(super) struct Coreset {
    seed: u64,
    /// Doubled whenever a step gains too little: a coreset much smaller than n carries noise of its own size.
    boost: f64,
    /// The last estimate of the decrement.
    last: f64,
    /// Where Q was computed, and what it says elsewhere.
    anchor: Option<(Vec<f64>, AnchoredMetric)>,
}

impl Coreset {
    /// Draws keyed by `seed` and the number of the point.
    pub fn new(seed: u64) -> Coreset {
        Coreset { seed, boost: 1.0, last: f64::INFINITY, anchor: None }
    }
}

impl Curvature<Tilted<'_>> for Coreset {
    fn needs_metric(&self) -> bool {
        false
    }

    fn step(&mut self, phi: &Tilted<'_>, point: &TiltedPoint, arrival: &Arrival, run: &Run<'_>) -> Result<NewtonStep> {
        let (n, d) = (point.base.slack.len(), point.gradient.len());
        let gradient = point.base.factor.half_solve(&point.gradient);
        loop {
            let size = ((self.boost * coreset_size(n, d) as f64) as usize).min(n);
            run.check()?;
            let sample = Draw::new(&point.base.scores, size, self.seed, arrival.iteration as u64).sample();
            if let Some((h, q)) = sampled_hessian(phi, point, sample, run)? {
                let mut y = linalg::cholesky_solve(&h, &gradient);
                y.iter_mut().for_each(|v| *v = -*v);
                let direction = point.base.factor.half_solve_transposed(&y);
                let estimate = norm(&linalg::solve_lower(&q, &gradient));
                if estimate < SLOW_BELOW && estimate > SLOW * self.last {
                    self.boost *= 2.0;
                }
                self.last = estimate;
                if estimate > METRIC_BELOW {
                    return Ok(NewtonStep {
                        direction,
                        decrement: estimate,
                        metric: None,
                        slack_cap: SLACK_LOSS_CAP,
                        reach: None,
                    });
                }
                let metric = self.metric_at(phi, point, run)?;
                let decrement = metric.dual_norm(&point.gradient);
                return Ok(NewtonStep {
                    direction,
                    decrement,
                    metric: Some(metric),
                    slack_cap: SLACK_LOSS_CAP,
                    reach: None,
                });
            }
            if size >= n {
                return Err(ErrorKind::Numerical {
                    reason: "the Hessian of all rows is not positive definite to rounding; use the solver cg".into(),
                }
                .into());
            }
            self.boost *= 2.0; // too few rows for a positive definite sample
        }
    }

    fn forget(&mut self) {
        self.anchor = None;
        self.last = f64::INFINITY;
    }

    fn memory(&self) -> Vec<f64> {
        let anchor = self.anchor.as_ref().map(|(x, _)| x.as_slice()).unwrap_or_default();
        [&[self.boost, self.last], anchor].concat()
    }

    fn recall(&mut self, phi: &Tilted<'_>, memory: &[f64], run: &Run<'_>) -> Result<()> {
        let (numbers, x) = memory.split_at(2);
        (self.boost, self.last) = (numbers[0], numbers[1]);
        if !x.is_empty()
            && let Some(point) = phi.at(x, false, run)?
        {
            self.metric_at(phi, &point, run)?;
        }
        Ok(())
    }
}

impl Coreset {
    /// Q of all rows, computed once near the solution and compared row by row afterwards: a sample's decrement is only an
    /// estimate.
    fn metric_at(&mut self, phi: &Tilted<'_>, point: &TiltedPoint, run: &Run<'_>) -> Result<LocalMetric> {
        if let Some((_, metric)) = &self.anchor {
            return Ok(metric.at(&point.base));
        }
        let mut q = phi.barrier.whitened_vaidya(&point.base, run)?;
        if !linalg::cholesky_in_place(&mut q, point.gradient.len()) {
            return Err(
                ErrorKind::Numerical { reason: "the metric Q is not positive definite to rounding".into() }.into()
            );
        }
        let metric = AnchoredMetric::new(&point.base, &q);
        let here = metric.at(&point.base);
        self.anchor = Some((point.base.x.clone(), metric));
        Ok(here)
    }
}

/// Below this decrement a good model gains at least this factor a step.
const SLOW_BELOW: f64 = 0.2;
const SLOW: f64 = 0.4;
/// Below this decrement slacks move so little that Q at one point bounds it at the later ones.
const METRIC_BELOW: f64 = 0.03;

/// m ≈ 8 d ln d rows, at least 4d, at most n.
pub(super) fn coreset_size(n: usize, d: usize) -> usize {
    let d = d as f64;
    ((8.0 * d * d.ln()).max(4.0 * d + 8.0).ceil() as usize).min(n)
}

/// Cholesky factors of H̄ = 3Q̄ − 2(T̄ + D̄), its generalised eigenvalues against Q̄ brought back to [1, 3], and of Q̄.
fn sampled_hessian(
    phi: &Tilted<'_>,
    point: &TiltedPoint,
    sample: Sample,
    run: &Run<'_>,
) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
    let d = point.gradient.len();
    if sample.rows.len() < d {
        return Ok(None);
    }
    let rows = SampledRows::gather(phi.barrier, point, sample, run)?;
    let (m, n, size) = (rows.len() as f64, point.base.slack.len() as f64, d as f64);
    phi.barrier.charge((m * size / 6.0 + size * size) / n);
    let mut q = rows.gram(|k| rows.weights[k] * rows.scores[k], run)?;
    let t = rows.squared_projection(&rows.moments(run)?, run)?;
    let mut h: Vec<f64> = q.iter().zip(&t).map(|(q, t)| 3.0 * q - 2.0 * t).collect();
    let h = linalg::clip_generalised_eigenvalues(&mut h, &q, d, 1.0, 3.0);
    Ok(h.filter(|_| linalg::cholesky_in_place(&mut q, d)).map(|h| (h, q)))
}
