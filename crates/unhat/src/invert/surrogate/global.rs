//! Far from the solution: solve the coreset problem to its end, adding the rows that come to matter on the way.

use super::Drawn;
use super::inner::{Direction, End, Flops, Limits, Tilt, minimise};
use super::model::{Model, ModelPoint};
use crate::error::Result;
use crate::invert::sampled::SampledRows;
use crate::invert::tilted::{Tilted, TiltedPoint};
use crate::linalg;
use crate::oracle::SLACK_LOSS_CAP;
use crate::random::uniform_rows_into;
use crate::rows::{Pass, Rows, sweep, with_scratch};
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
/// What is left of that row's slack after pulling back.
const PULLED_BACK: f64 = 0.8;
/// Columns of the sketch that estimates the scores at a model's point: good to a factor of two.
const SKETCH_COLUMNS: usize = 8;
/// The stream of the sketch's signs, apart from those of the draws.
const SKETCH_STREAM: u64 = u64::MAX;

impl GlobalStep<'_> {
    /// The way to the model's minimiser, the step of its metric alone, and whether the model failed.
    pub fn solve(&self, drawn: Drawn, flops: &mut Flops) -> Result<(Vec<f64>, Vec<f64>, bool)> {
        let d = self.gradient.len();
        let Drawn { mut draw, rows, metric } = drawn;
        let fallback = {
            let y: Vec<f64> = linalg::cholesky_solve(&metric, self.gradient).iter().map(|v| -v).collect();
            self.point.base.factor.half_solve_transposed(&y)
        };
        let mut model = Model::new(rows.u, &rows.weights, d);
        let mut y = vec![0.0; d];
        let mut changes = vec![0.0; self.point.base.slack.len()];
        for _ in 0..ROUNDS {
            self.run.check()?;
            let Some(start) = model.at(&vec![0.0; d]) else { break };
            let tilt = Tilt {
                linear: self.gradient.iter().zip(&start.gradient).map(|(g, v)| g - v).collect(),
                quadratic: None,
            };
            let limits =
                Limits { tolerance: 0.1 * self.decrement.min(1.0), steps: INNER_STEPS, slack_cap: SLACK_LOSS_CAP };
            let (next, at_next, end) = minimise(&model, &tilt, &y, &limits, &Direction::Conjugate, flops);
            let Some(at_next) = at_next else { break };
            let sketch = self.sweep(&next, &at_next)?;
            let theta = self.pull_back(&changes, &sketch);
            let blocked = theta < 1.0;
            let previous = std::mem::replace(&mut y, next);
            if blocked {
                y.iter_mut().zip(&previous).for_each(|(y, p)| *y = p + theta * (*y - p));
            }
            for (change, [t, _]) in changes.iter_mut().zip(sketch.as_chunks::<2>().0) {
                *change += theta * (t - *change);
            }
            if end == End::Stall && model.len() < changes.len() {
                return Ok((self.point.base.factor.half_solve_transposed(&y), fallback, true));
            }
            if !blocked && changes.iter().all(|t| t.abs() < NEAR) {
                break;
            }
            let scores: Vec<f64> = (0..changes.len()).map(|i| sketch[2 * i + 1]).collect();
            let added: f64 = scores.iter().enumerate().filter(|(i, s)| draw.would_add(*i, **s)).map(|(_, s)| s).sum();
            if !blocked && added < WORTH_ADDING * d as f64 {
                break;
            }
            draw.raise(&scores);
            let rows = SampledRows::gather(self.phi.barrier, self.point, draw.sample())?;
            flops.0 += (rows.len() * d * d) as f64;
            model = Model::new(rows.u, &rows.weights, d);
        }
        Ok((self.point.base.factor.half_solve_transposed(&y), fallback, false))
    }

    /// For every row: t = u·y, and the estimate min(1, ‖uᵀR‖²/(1+t)²) of its score in the model at y, R = L_C⁻ᵀ·signs/√8
    /// (exact with R = L_C⁻ᵀ for d ≤ 8).
    ///
    /// # Cost
    /// (k + 1)/d evaluations.
    fn sweep(&self, y: &[f64], at: &ModelPoint) -> Result<Vec<f64>> {
        let d = y.len();
        let k = SKETCH_COLUMNS.min(d);
        let mut directions = vec![0.0; k * d];
        if k == d {
            (0..d).for_each(|j| directions[j + j * d] = 1.0);
        } else {
            uniform_rows_into(self.seed, SKETCH_STREAM, 0, &mut directions);
            let size = 1.0 / (k as f64).sqrt();
            directions.iter_mut().for_each(|u| *u = if *u < 0.5 { size } else { -size });
        }
        linalg::solve_lower_transposed_rows(&at.lower, d, &mut directions);
        directions.extend_from_slice(y);
        // In the coordinates of x: u·v = a·(L⁻ᵀv)/s.
        linalg::solve_lower_transposed_rows(self.point.base.factor.lower(), d, &mut directions);
        let barrier = self.phi.barrier;
        barrier.charge((k + 1) as f64 / d as f64);
        let pass = SketchPass { directions: &directions, columns: d, inverse_slack: &self.point.base.inverse_slack };
        let mut out = vec![0.0; 2 * self.point.base.slack.len()];
        sweep(barrier.source(), &pass, &mut out, self.run)?;
        Ok(out)
    }

    /// The largest θ ≤ 1 for which every row keeps a fifth of … its slack between the last y and the new one.
    fn pull_back(&self, before: &[f64], after: &[f64]) -> f64 {
        let mut theta = 1.0f64;
        for (old, [t, _]) in before.iter().zip(after.as_chunks::<2>().0) {
            if 1.0 + t <= (1.0 - OUTSIDE_CAP) * (1.0 + old) {
                theta = theta.min(PULLED_BACK * (1.0 + old) / (old - t));
            }
        }
        theta
    }
}

/// t and the sketched score of every row.
struct SketchPass<'a> {
    /// k directions of the sketch, then the step; each of d values.
    directions: &'a [f64],
    columns: usize,
    inverse_slack: &'a [f64],
}

impl Pass for SketchPass<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        let n = rows.block.rows();
        let r = &self.inverse_slack[rows.range()];
        let (sketch, step) = self.directions.split_at(self.directions.len() - self.columns);
        with_scratch(n, |product| {
            rows.block.apply_into(step, product);
            (0..n).for_each(|i| (out[2 * i], out[2 * i + 1]) = (product[i] * r[i], 0.0));
            for direction in sketch.chunks_exact(self.columns) {
                rows.block.apply_into(direction, product);
                (0..n).for_each(|i| out[2 * i + 1] += product[i] * product[i]);
            }
        });
        for i in 0..n {
            let share = r[i] / (1.0 + out[2 * i]);
            let score = out[2 * i + 1] * share * share;
            out[2 * i + 1] = if score.is_finite() { score.min(1.0) } else { 1.0 };
        }
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        2
    }
}
