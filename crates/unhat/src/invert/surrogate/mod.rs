//! `surrogate`: minimise a gradient-corrected barrier of a coreset, instead of a quadratic, before each full evaluation.

mod drawn;
mod global;
mod inner;
mod local;
mod model;
mod secant;

use self::drawn::Drawn;
use self::global::GlobalStep;
use self::inner::Flops;
use self::local::{Advice, LocalAnchor, RENEW};
use super::sample::Draw;
use super::tilted::{Tilted, TiltedPoint};
use crate::error::{ErrorKind, Result};
use crate::linalg::{self, dot};
use crate::oracle::{Arrival, Curvature, NewtonStep, Oracle, SLACK_LOSS_CAP};
use crate::run::Run;

/// Newton-like steps to the minimiser of a surrogate.
///
/// Far from the solution one coreset solve replaces the damped phase (`global`); near it the surrogate's Hessian is
/// corrected by the exact Q and kept for several steps (`local`). Every step is checked by a full evaluation.
///
/// # References
/// LiSongXuYin2024, for the idea of drawn rows; docs/how-unhat-inverts.md, §9.
pub(super) struct Surrogate {
    seed: u64,
    /// f: how many times d(1 + ln d) rows a coreset holds.
    size: f64,
    /// Doubled when a local model converges too slowly.
    boost: f64,
    anchor: Option<LocalAnchor>,
    /// Points of the last evaluations and their gradients, oldest first, for secants.
    trail: Vec<(Vec<f64>, Vec<f64>)>,
    /// Whether the last step was a global one, to judge how it was received.
    last_was_global: bool,
}

/// f = 3 rows per d(1 + ln d): measured; half of it backtracks, twice costs more than it saves.
const FIRST_SIZE: f64 = 3.0;
/// Below this decrement the local phase begins.
const LOCAL_BELOW: f64 = 0.5;
/// Secants kept.
const TRAIL: usize = 4;
/// Entries of `memory` before the vectors.
const HEADER: usize = 10;

impl Surrogate {
    pub fn new(seed: u64) -> Surrogate {
        Surrogate { seed, size: FIRST_SIZE, boost: 1.0, anchor: None, trail: Vec::new(), last_was_global: false }
    }

    /// m of the global phase: f·d(1 + ln d), but 0.67 % f of the rows at least.
    fn global_size(&self, n: usize, d: usize) -> usize {
        let (rows, columns) = (n as f64, d as f64);
        let wished = self.size * (columns * (1.0 + columns.ln())).max(0.0067 * rows);
        (wished.ceil() as usize).clamp(d + 1, n.max(d + 1)).min(n)
    }

    /// m of the local phase: as many rows as make T of the coreset cost 0.9 evaluations, and 0.4 for an anchor that is soon
    /// renewed anyway.
    fn local_size(&self, n: usize, d: usize, decrement: f64) -> usize {
        let (rows, columns) = (n as f64, d as f64);
        let affordable = if decrement > RENEW { 2.4 } else { 5.4 } * rows / columns;
        let wished = (8.0 * columns * (1.0 + columns.ln())).max(0.0536 * rows).min(affordable);
        let size = self.boost * wished.max(self.global_size(n, d) as f64);
        (size.ceil() as usize).min(n)
    }

    /// A coreset drawn at the point, and its model evaluated there; f doubles until the model is positive definite.
    fn draw(
        &mut self,
        phi: &Tilted<'_>,
        point: &TiltedPoint,
        stream: u64,
        flops: &mut Flops,
        run: &Run<'_>,
    ) -> Result<Drawn> {
        let (n, d) = (point.base.slack.len(), point.gradient.len());
        loop {
            let size = self.global_size(n, d);
            let draw = Draw::new(&point.base.scores, size, self.seed, stream);
            if let Some(drawn) = Drawn::new(phi, point, draw, flops, run)? {
                return Ok(drawn);
            }
            if size >= n {
                return Err(ErrorKind::Numerical {
                    reason: "the coreset of all rows is not positive definite to rounding; use the solver cg".into(),
                }
                .into());
            }
            self.size *= 2.0;
        }
    }
}

impl Curvature<Tilted<'_>> for Surrogate {
    fn needs_metric(&self) -> bool {
        false
    }

    fn step(&mut self, phi: &Tilted<'_>, point: &TiltedPoint, arrival: &Arrival, run: &Run<'_>) -> Result<NewtonStep> {
        let mut flops = Flops::default();
        let step = self.find(phi, point, arrival, &mut flops, run)?;
        self.trail.push((point.base.x.clone(), point.gradient.clone()));
        if self.trail.len() > TRAIL {
            self.trail.remove(0);
        }
        phi.barrier.charge_drawn(flops.0);
        Ok(step)
    }

    fn forget(&mut self) {
        self.trail.clear();
        self.anchor = None;
    }

    /// f, boost, the flags and rates, then x of the anchor and of the trail: enough to evaluate them again.
    fn memory(&self) -> Vec<f64> {
        let d = self.trail.first().map_or(0, |(x, _)| x.len());
        let mut memory = vec![0.0; HEADER];
        (memory[0], memory[1], memory[2]) = (self.size, self.boost, f64::from(self.last_was_global));
        (memory[3], memory[4]) = (d as f64, self.trail.len() as f64);
        self.trail.iter().for_each(|(x, _)| memory.extend(x));
        if let Some(anchor) = &self.anchor {
            memory[5] = 1.0;
            let (first, last) = anchor.rates();
            (memory[6], memory[7], memory[8]) = (first, last, anchor.stream() as f64);
            memory[9] = anchor.size() as f64;
            memory.extend(anchor.recollection());
        }
        memory
    }

    fn recall(&mut self, phi: &Tilted<'_>, memory: &[f64], run: &Run<'_>) -> Result<()> {
        (self.size, self.boost, self.last_was_global) = (memory[0], memory[1], memory[2] != 0.0);
        let (d, trail) = (memory[3] as usize, memory[4] as usize);
        if d == 0 {
            return Ok(());
        }
        let mut points = memory[HEADER..].chunks_exact(d);
        let again = |x: &[f64]| -> Result<TiltedPoint> {
            phi.at(x, false, run)?.ok_or_else(|| {
                ErrorKind::Numerical { reason: "a point of the saved run lies outside the cell".into() }.into()
            })
        };
        self.trail.clear();
        for x in points.by_ref().take(trail) {
            self.trail.push((x.to_vec(), again(x)?.gradient));
        }
        if memory[5] != 0.0
            && let Some(x) = points.next()
        {
            let anchor = again(x)?;
            let later = points.map(|x| Ok((x.to_vec(), again(x)?.gradient))).collect::<Result<Vec<_>>>()?;
            let size = memory[9] as usize;
            self.anchor = LocalAnchor::at(phi, &anchor, size, self.seed, memory[8] as u64, &mut Flops::default(), run)?;
            if let Some(local) = &mut self.anchor {
                local.recall(&later, (memory[6], memory[7]), run)?;
            }
        }
        Ok(())
    }
}

impl Surrogate {
    fn find(
        &mut self,
        phi: &Tilted<'_>,
        point: &TiltedPoint,
        arrival: &Arrival,
        flops: &mut Flops,
        run: &Run<'_>,
    ) -> Result<NewtonStep> {
        if self.last_was_global && arrival.trials > 0 && (arrival.trials > 1 || arrival.step_length < 0.3) {
            self.size *= 2.0; // the coreset misled
        }
        self.last_was_global = false;
        if let Some(mut anchor) = self.anchor.take() {
            match anchor.step(point, flops, run)? {
                Advice::Go { direction, fallback } => {
                    return Ok(self.local_step(point, anchor, direction, fallback));
                }
                Advice::AnchorAgain { slow, decrement } => {
                    if slow {
                        self.boost = (2.0 * self.boost).min(64.0);
                    }
                    if decrement < LOCAL_BELOW
                        && let Some(step) = self.anchored_step(phi, point, arrival, decrement, flops, run)?
                    {
                        return Ok(step);
                    }
                }
            }
        }
        let gradient = point.base.factor.half_solve(&point.gradient);
        let drawn = self.draw(phi, point, arrival.iteration as u64, flops, run)?;
        let decrement = dot(&gradient, &linalg::cholesky_solve(&drawn.metric, &gradient)).sqrt();
        if decrement < LOCAL_BELOW {
            if let Some(step) = self.anchored_step(phi, point, arrival, decrement, flops, run)? {
                return Ok(step);
            }
            self.boost = (2.0 * self.boost).min(64.0);
        }
        let global = GlobalStep { phi, point, gradient: &gradient, decrement, seed: self.seed, run };
        let found = global.solve(drawn, flops)?;
        if found.stalled {
            self.size *= 2.0;
        }
        self.last_was_global = true;
        let (direction, by_model) = descending(point, found.direction, found.fallback, decrement);
        let reach = by_model.then_some(found.reach);
        let decrement = 3f64.sqrt() * decrement;
        Ok(NewtonStep { direction, decrement, metric: None, slack_cap: GLOBAL_SLACK_CAP, reach })
    }

    /// The first step from an anchor at the point; None where its coreset has no positive definite Hessian.
    fn anchored_step(
        &mut self,
        phi: &Tilted<'_>,
        point: &TiltedPoint,
        arrival: &Arrival,
        decrement: f64,
        flops: &mut Flops,
        run: &Run<'_>,
    ) -> Result<Option<NewtonStep>> {
        let size = self.local_size(point.base.slack.len(), point.gradient.len(), decrement);
        let stream = arrival.iteration as u64;
        let Some(mut anchor) = LocalAnchor::at(phi, point, size, self.seed, stream, flops, run)? else {
            return Ok(None);
        };
        anchor.carry(&self.trail, run)?;
        let (direction, fallback) = anchor.first_step(flops, run)?;
        Ok(Some(self.local_step(point, anchor, direction, fallback)))
    }

    /// The checked step of an anchor, which stays.
    fn local_step(
        &mut self,
        point: &TiltedPoint,
        anchor: LocalAnchor,
        direction: Vec<f64>,
        fallback: Vec<f64>,
    ) -> NewtonStep {
        let metric = anchor.metric().at(&point.base);
        let decrement = metric.dual_norm(&point.gradient);
        let (direction, _) = descending(point, direction, fallback, decrement);
        self.anchor = Some(anchor);
        NewtonStep { direction, decrement, metric: Some(metric), slack_cap: SLACK_LOSS_CAP, reach: None }
    }
}

/// The global phase looks at every slack itself and may take nearly all of it.
const GLOBAL_SLACK_CAP: f64 = 1.0 - 1e-9;

/// The model's direction if it goes down steeply enough (−G·h ≥ 0.1λ²/(1+λ): the angle test that makes the textbook proof
/// of convergence hold), else the quadratic model's, which always does.
///
/// Also says whether it is the model's.
fn descending(point: &TiltedPoint, direction: Vec<f64>, fallback: Vec<f64>, decrement: f64) -> (Vec<f64>, bool) {
    let slope = -dot(&point.gradient, &direction);
    let enough = 0.1 * decrement * decrement / (1.0 + decrement) / 3.0; // `decrement` may be √3 too large
    if slope >= enough { (direction, true) } else { (fallback, false) }
}
