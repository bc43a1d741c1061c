//! Near the solution: one anchor, its coreset with the Hessian corrected by the exact Q, and secants from later points.

use super::inner::{Beginning, Direction, Flops, Limits, Tilt, minimise};
use super::model::{Model, ModelPoint};
use super::secant::{Seen, corrected};
use crate::error::Result;
use crate::gram::Factor;
use crate::invert::local_metric::AnchoredMetric;
use crate::invert::sample::Draw;
use crate::invert::sampled::SampledRows;
use crate::invert::tilted::{Tilted, TiltedPoint};
use crate::linalg::{self, dot};
use crate::run::Run;

/// Everything that is kept while the anchor serves.
pub(super) struct LocalAnchor {
    x: Vec<f64>,
    /// L at the anchor: y = Lᵀ(x − x_a).
    factor: Factor,
    model: Model,
    /// The model at y = 0, until the first step takes it.
    origin: Option<ModelPoint>,
    metric: AnchoredMetric,
    /// E₀ = H₀ − ∇²V_C(0).
    e0: Vec<f64>,
    /// H₀ = 3Q − 2D − 2T_off, generalised eigenvalues against Q in [1, 3].
    h0: Vec<f64>,
    /// C of the model at 0, to move H₀ along.
    d0: Vec<f64>,
    /// Points since the anchor (and a few before), the anchor itself first among its own.
    seen: Vec<Seen>,
    /// x of those, for a saved run.
    seen_x: Vec<Vec<f64>>,
    /// Decrements at the anchor and at the last point.
    first: f64,
    last: f64,
    /// The rows that were asked for, and the key of their draw.
    size: usize,
    stream: u64,
}

/// What the anchor says at a later point.
pub(super) enum Advice {
    /// The minimiser of the model, and the plain Newton step of its Hessian.
    Go { direction: Vec<f64>, fallback: Vec<f64> },
    /// The anchor has served its time; `slow`: because it converged slowly. `decrement`: in its metric, infinite if unknown.
    AnchorAgain { slow: bool, decrement: f64 },
}

/// Share of a slack that one inner step may take.
const INNER_CAP: f64 = 0.9;
/// Anchors taken above this decrement are renewed once below it.
pub(super) const RENEW: f64 = 0.05;
/// A model that gains less than this factor a step is renewed with twice the rows.
const SLOW: f64 = 0.12;
/// A step that gained more than this is not worth renewing after.
const FAST: f64 = 0.004;
/// Secants used at a time.
const SECANTS: usize = 4;
/// Older points are carried over while no slack moved more than this since.
const CARRY_WITHIN: f64 = 0.5;

impl LocalAnchor {
    /// Draws the coreset, forms Q from all rows and corrects the model's Hessian.
    ///
    /// # Cost
    /// Half an evaluation for Q; md³/3 + 4d⁴ flops for third moments.
    pub fn at(
        phi: &Tilted<'_>,
        point: &TiltedPoint,
        wanted: usize,
        seed: u64,
        stream: u64,
        flops: &mut Flops,
        run: &Run<'_>,
    ) -> Result<Option<LocalAnchor>> {
        let d = point.gradient.len();
        let q = phi.barrier.whitened_vaidya(&point.base, run)?;
        run.check()?;
        let sample = Draw::new(&point.base.scores, wanted, seed, stream).sample();
        let rows = SampledRows::gather(phi.barrier, point, sample, run)?;
        let (m, size) = (rows.len() as f64, d as f64);
        flops.0 += m * size.powi(3) / 3.0 + 4.0 * size.powi(4) + 6.0 * m * size * size;
        if rows.len() < d {
            return Ok(None);
        }
        let moments = rows.moments(run)?;
        let t = rows.squared_projection(&moments, run)?;
        let mut h0: Vec<f64> = q.iter().zip(&t).map(|(q, t)| 3.0 * q - 2.0 * t).collect();
        let Some(lower) = linalg::clip_generalised_eigenvalues(&mut h0, &q, d, 1.0, 3.0) else { return Ok(None) };
        let h0 = linalg::lower_outer_product(&lower, d);
        let mut root = q;
        if !linalg::cholesky_in_place(&mut root, d) {
            return Ok(None);
        }
        let model = Model::new(rows.u, rows.weights, d);
        let Some(origin) = model.at(&vec![0.0; d], run)? else { return Ok(None) };
        let e0 = h0.iter().zip(&model.hessian(&origin, &moments, run)?).map(|(h, v)| h - v).collect();
        let metric = AnchoredMetric::new(&point.base, &root);
        let seen = vec![Seen {
            y: vec![0.0; d],
            gradient: point.base.factor.half_solve(&point.gradient),
            model: origin.gradient.clone(),
        }];
        Ok(Some(LocalAnchor {
            x: point.base.x.clone(),
            factor: point.base.factor.clone(),
            d0: model.metric(&origin, run)?,
            model,
            origin: Some(origin),
            metric,
            e0,
            h0,
            seen_x: vec![point.base.x.clone()],
            seen,
            first: f64::INFINITY,
            last: f64::INFINITY,
            size: wanted,
            stream,
        }))
    }

    /// Q at the anchor.
    pub fn metric(&self) -> &AnchoredMetric {
        &self.metric
    }

    /// Decrements at the anchor and at the last point.
    pub fn rates(&self) -> (f64, f64) {
        (self.first, self.last)
    }

    /// How many rows the anchor asked for.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The key of the anchor's draw.
    pub fn stream(&self) -> u64 {
        self.stream
    }

    /// x of the anchor, then of the points that secants are taken from.
    pub fn recollection(&self) -> Vec<f64> {
        let own = self.seen_x.iter().position(|x| *x == self.x).unwrap_or(0);
        let others = self.seen_x.iter().enumerate().filter(|(k, _)| *k != own).flat_map(|(_, x)| x.iter());
        self.x.iter().chain(others).copied().collect()
    }

    /// Takes up the points of a saved run, in their order (those before the anchor first).
    pub fn recall(&mut self, others: &[(Vec<f64>, Vec<f64>)], rates: (f64, f64), run: &Run<'_>) -> Result<()> {
        (self.first, self.last) = rates;
        let mut before = Vec::new();
        for (x, gradient) in others {
            if let Some(seen) = self.look(x, gradient, run)? {
                before.push((x.clone(), seen));
            }
        }
        for (x, seen) in before {
            self.seen_x.push(x);
            self.seen.push(seen);
        }
        Ok(())
    }

    /// Takes over points from before the anchor as secants.
    pub fn carry(&mut self, trail: &[(Vec<f64>, Vec<f64>)], run: &Run<'_>) -> Result<()> {
        const CARRIED: usize = 3;
        for (x, gradient) in trail.iter().rev().take(CARRIED).rev() {
            let y = self.coordinates(x);
            let mut moved = vec![0.0; self.model.len()];
            linalg::rows_times_vector(self.model.rows(), y.len(), &y, &mut moved);
            if moved.iter().all(|t| t.abs() < CARRY_WITHIN)
                && let Some(seen) = self.look(x, gradient, run)?
            {
                self.seen_x.push(x.clone());
                self.seen.push(seen);
            }
        }
        Ok(())
    }

    fn coordinates(&self, x: &[f64]) -> Vec<f64> {
        let moved: Vec<f64> = x.iter().zip(&self.x).map(|(x, a)| x - a).collect();
        linalg::lower_transposed_times_vector(self.factor.lower(), &moved)
    }

    fn look(&self, x: &[f64], gradient: &[f64], run: &Run<'_>) -> Result<Option<Seen>> {
        let y = self.coordinates(x);
        let model = self.model.at(&y, run)?;
        Ok(model.map(|model| Seen { gradient: self.factor.half_solve(gradient), model: model.gradient, y }))
    }

    /// The step from the anchor itself.
    pub fn first_step(&mut self, flops: &mut Flops, run: &Run<'_>) -> Result<(Vec<f64>, Vec<f64>)> {
        const INNER_TOLERANCE: f64 = 0.01;
        const INNER_STEPS: usize = 6;
        /// From here on one Hessian serves all inner steps.
        const ONE_HESSIAN_BELOW: f64 = 0.1;
        let here = self.seen[0].clone();
        let (e, h) = corrected(&self.e0, &self.h0, &here, &self.seen[1..]);
        let Some((lower, decrement)) = self.decrement(&here.gradient, h) else {
            return Ok((vec![0.0; here.y.len()], self.plain(&here.gradient)));
        };
        (self.first, self.last) = (decrement, decrement);
        let tilt = Tilt { linear: difference(&here.gradient, &here.model), quadratic: Some(e) };
        let limits = Limits { tolerance: INNER_TOLERANCE * decrement, steps: INNER_STEPS, slack_cap: INNER_CAP };
        let direction = match decrement < ONE_HESSIAN_BELOW {
            true => Direction::Fixed(&lower),
            false => Direction::Conjugate,
        };
        let beginning = Beginning { y: &here.y, point: self.origin.take() };
        let (y, _, _) = minimise(&self.model, &tilt, beginning, &limits, &direction, flops, run)?;
        Ok((self.factor.half_solve_transposed(&y), self.newton(&lower, &here.gradient)))
    }

    /// The step from a later point, the coreset and E₀ kept.
    pub fn step(&mut self, point: &TiltedPoint, flops: &mut Flops, run: &Run<'_>) -> Result<Advice> {
        let again = |slow, decrement| Ok(Advice::AnchorAgain { slow, decrement });
        const INNER_TOLERANCE: f64 = 0.02;
        const INNER_STEPS: usize = 4;
        let (m, d) = (self.model.len() as f64, point.gradient.len() as f64);
        flops.0 += 3.0 * m * d * d;
        let y = self.coordinates(&point.base.x);
        let Some(model_here) = self.model.at(&y, run)? else { return again(false, f64::INFINITY) };
        let gradient = self.factor.half_solve(&point.gradient);
        let here = Seen { gradient, model: model_here.gradient.clone(), y };
        let newest = self.seen.len().saturating_sub(SECANTS);
        let (e, h) = corrected(&self.e0, &self.h0, &here, &self.seen[newest..]);
        let Some((lower, decrement)) = self.decrement(&here.gradient, h.clone()) else {
            return again(false, f64::INFINITY);
        };
        let rate = decrement / self.last;
        if self.first > RENEW && decrement <= RENEW && decrement > 1e-7 && rate > FAST {
            return again(false, decrement);
        }
        if rate > SLOW && decrement > 1e-9 {
            return again(true, decrement);
        }
        let ey = linalg::symmetric_times_vector(&e, &here.y);
        let linear = (0..ey.len()).map(|k| here.gradient[k] - here.model[k] - ey[k]).collect();
        let tilt = Tilt { linear, quadratic: Some(e) };
        let moved = self.moved_hessian(&h, &model_here, run)?.unwrap_or_else(|| lower.clone());
        // Below this decrement inner steps only move rounding.
        const INNER_FLOOR: f64 = 3e-14;
        let limits = Limits {
            tolerance: (INNER_TOLERANCE * decrement).max(INNER_FLOOR),
            steps: INNER_STEPS,
            slack_cap: INNER_CAP,
        };
        let beginning = Beginning { y: &here.y, point: Some(model_here) };
        let (target, _, _) = minimise(&self.model, &tilt, beginning, &limits, &Direction::Fixed(&moved), flops, run)?;
        let direction = self.factor.half_solve_transposed(&difference(&target, &here.y));
        let fallback = self.newton(&lower, &here.gradient);
        self.last = decrement;
        self.seen.push(here);
        self.seen_x.push(point.base.x.clone());
        Ok(Advice::Go { direction, fallback })
    }

    /// H + C(y) − C(0): the Hessian moved along with the model's metric.
    fn moved_hessian(&self, h: &[f64], here: &ModelPoint, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let metric = self.model.metric(here, run)?;
        let mut moved: Vec<f64> = h.iter().zip(&metric).zip(&self.d0).map(|((h, c), c0)| h + c - c0).collect();
        Ok(linalg::cholesky_in_place(&mut moved, here.gradient.len()).then_some(moved))
    }

    /// The Cholesky factor of H and √(GᵀH⁻¹G).
    fn decrement(&self, gradient: &[f64], mut h: Vec<f64>) -> Option<(Vec<f64>, f64)> {
        if !linalg::cholesky_in_place(&mut h, gradient.len()) {
            return None;
        }
        let decrement = dot(gradient, &linalg::cholesky_solve(&h, gradient)).sqrt();
        Some((h, decrement))
    }

    /// −L⁻ᵀH⁻¹G_w.
    fn newton(&self, lower: &[f64], gradient: &[f64]) -> Vec<f64> {
        let y: Vec<f64> = linalg::cholesky_solve(lower, gradient).iter().map(|v| -v).collect();
        self.factor.half_solve_transposed(&y)
    }

    /// The Newton step of H₀, which is positive definite by construction.
    fn plain(&self, gradient: &[f64]) -> Vec<f64> {
        match self.decrement(gradient, self.h0.clone()) {
            Some((lower, _)) => self.newton(&lower, gradient),
            None => vec![0.0; gradient.len()],
        }
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
