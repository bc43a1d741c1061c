//! Far from the solution: solve the coreset problem to its end, adding the rows that come to matter on the way.

use super::drawn::Drawn;
use super::inner::{Beginning, Direction, End, Flops, Limits, Tilt, minimise};
use super::model::{Model, ModelPoint};
use crate::error::Result;
use crate::invert::sampled::SampledRows;
use crate::invert::tilted::{Tilted, TiltedPoint};
use crate::leverage::{projected_norms, signs};
use crate::linalg;
use crate::oracle::SLACK_LOSS_CAP;
use crate::run::Run;

/// One global step from a point.
pub(super) struct GlobalStep<'a> {
    pub phi: &'a Tilted<'a>,
    pub point: &'a TiltedPoint,
    /// L⁻¹G.
    pub gradient: &'a [f64],
    /// √(GᵀC⁻¹G) at the point.
    pub decrement: f64,
    pub seed: u64,
    pub run: &'a Run<'a>,
}

/// Rounds of adding rows.
const ROUNDS: usize = 8;
/// Inner steps of a round.
const INNER_STEPS: usize = 25;
/// Where no slack moved more than this, the coreset of the start still represents the rows.
const NEAR: f64 = 0.3;
/// Rows that hold less than this share of d in scores are not worth another round.
const WORTH_ADDING: f64 = 0.025;
/// A row outside the coreset may lose this share of its slack in a round.
const OUTSIDE_CAP: f64 = 0.95;
/// The share it loses after pulling back.
const PULLED_BACK: f64 = 0.8;
/// Columns of the sketch that estimates the scores at a model's point: good to a factor of two.
const SKETCH_COLUMNS: usize = 8;

/// What a global step found.
pub(super) struct GlobalDirection {
    /// The way to the model's minimiser.
    pub direction: Vec<f64>,
    /// How many times that far the boundary of the cell is.
    pub reach: f64,
    /// The step of the model's metric alone.
    pub fallback: Vec<f64>,
    /// Whether the model failed.
    pub stalled: bool,
}

impl GlobalStep<'_> {
    /// The way to the minimiser of the coreset's model, rows being added as they come to matter.
    pub fn solve(&self, drawn: Drawn, flops: &mut Flops) -> Result<GlobalDirection> {
        let d = self.gradient.len();
        let Drawn { mut draw, mut model, origin, metric } = drawn;
        let zero = vec![0.0; d];
        let mut y = zero.clone();
        let mut changes = vec![0.0; self.point.base.slack.len()];
        let mut stalled = false;
        let (mut origin, mut at_origin) = (Some(origin), true);
        for _ in 0..ROUNDS {
            self.run.check()?;
            let Some(start) = origin.take() else { break };
            let tilt = Tilt {
                linear: self.gradient.iter().zip(&start.gradient).map(|(g, v)| g - v).collect(),
                quadratic: None,
            };
            let limits =
                Limits { tolerance: 0.1 * self.decrement.min(1.0), steps: INNER_STEPS, slack_cap: SLACK_LOSS_CAP };
            let beginning = Beginning { y: &y, point: at_origin.then_some(start) };
            let (next, at_next, end) =
                minimise(&model, &tilt, beginning, &limits, &Direction::Conjugate, flops, self.run)?;
            let Some(mut here) = at_next else { break };
            let wished = self.changes(&next)?;
            let lost: Vec<usize> = (0..wished.len()).filter(|&i| loses_its_slack(changes[i], wished[i])).collect();
            let blocked = !lost.is_empty();
            let theta = lost.iter().fold(1.0, |theta: f64, &i| theta.min(pull_back(changes[i], wished[i])));
            changes.iter_mut().zip(&wished).for_each(|(t, w)| *t += theta * (w - *t));
            y.iter_mut().zip(&next).for_each(|(y, n)| *y += theta * (n - *y));
            at_origin = false;
            if end == End::Stall && model.len() < changes.len() {
                stalled = true;
                break;
            }
            if !blocked && changes.iter().all(|t| t.abs() < NEAR) {
                break;
            }
            if blocked {
                match model.at(&y, self.run)? {
                    Some(pulled_back) => here = pulled_back,
                    None => break,
                }
            }
            let scores = self.sketched_scores(&here, &changes)?;
            let new = scores.iter().enumerate().filter(|(i, s)| draw.would_add(*i, **s));
            let added: f64 = new.map(|(_, s)| s).sum();
            if !blocked && added < WORTH_ADDING * d as f64 {
                break;
            }
            draw.raise(&scores);
            // Whatever their scores: as many as the coreset has rows, so that it does not grow without measure.
            draw.include(&lost, (model.len() as f64 / lost.len() as f64).min(1.0));
            let rows = SampledRows::gather(self.phi.barrier, self.point, draw.sample(), self.run)?;
            flops.0 += 3.0 * (rows.len() * d * d) as f64;
            model = Model::new(rows.u, rows.weights, d);
            origin = model.at(&zero, self.run)?;
        }
        let factor = &self.point.base.factor;
        let worst = changes.iter().fold(0.0, |a: f64, t| a.min(*t));
        let along_metric: Vec<f64> = linalg::cholesky_solve(&metric, self.gradient).iter().map(|v| -v).collect();
        Ok(GlobalDirection {
            direction: factor.half_solve_transposed(&y),
            reach: if worst < 0.0 { -1.0 / worst } else { f64::INFINITY },
            fallback: factor.half_solve_transposed(&along_metric),
            stalled,
        })
    }

    /// t = U y, over all rows.
    ///
    /// # Cost
    /// 1/d evaluations.
    fn changes(&self, y: &[f64]) -> Result<Vec<f64>> {
        let h = self.point.base.factor.half_solve_transposed(y);
        self.phi.barrier.charge(1.0 / y.len() as f64);
        self.phi.barrier.scaled_rows_times(&self.point.base, &h, self.run)
    }

    /// min(1, ‖uᵀR‖²/(1+t)²) for every row: its score in the model at y, R = L_C⁻ᵀ·signs/√8 (exact with R = L_C⁻ᵀ for
    /// d ≤ 8).
    ///
    /// # Cost
    /// k/d evaluations.
    fn sketched_scores(&self, here: &ModelPoint, changes: &[f64]) -> Result<Vec<f64>> {
        let d = here.gradient.len();
        let k = SKETCH_COLUMNS.min(d);
        let mut directions = match k == d {
            true => (0..d * d).map(|e| f64::from(e / d == e % d)).collect(),
            false => signs(d, k, self.seed),
        };
        linalg::solve_lower_transposed_rows(&here.lower, d, &mut directions);
        // In the coordinates of x: u·v = a·(L⁻ᵀv)/s.
        linalg::solve_lower_transposed_rows(self.point.base.factor.lower(), d, &mut directions);
        let barrier = self.phi.barrier;
        barrier.charge(k as f64 / d as f64);
        let mut scores = projected_norms(barrier.source(), &directions, k, self.run)?;
        for ((score, t), r) in scores.iter_mut().zip(changes).zip(&self.point.base.inverse_slack) {
            let share = r / (1.0 + t);
            *score = (*score * share * share).min(1.0);
        }
        Ok(scores)
    }
}

/// Whether a row loses more than [`OUTSIDE_CAP`] of its slack from one relative change to another: the model, which does
/// not know the row, would leave the cell there.
fn loses_its_slack(before: f64, after: f64) -> bool {
    1.0 + after <= (1.0 - OUTSIDE_CAP) * (1.0 + before)
}

/// The share of the way at which such a row has lost [`PULLED_BACK`].
fn pull_back(before: f64, after: f64) -> f64 {
    PULLED_BACK * (1.0 + before) / (before - after)
}
