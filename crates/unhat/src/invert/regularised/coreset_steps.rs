//! `coreset`: steps to the minimiser of a coreset's own L, corrected so that value and gradient are exact where they start.

use super::frame::Frame;
use super::local_steps::{Ending, LocalModel, iterate};
use super::method::coreset_rows;
use super::objective::{Objective, Place};
use super::trust_region::{Descent, DescentOptions, Watch, descend, descend_in_frame};
use super::weighted_rows::{Correction, WeightedRows};
use crate::error::Result;
use crate::invert::sample::Draw;
use crate::leverage::sketched_scores;
use crate::linalg::{self, dot};
use crate::run::Run;

/// Below this Gauss–Newton step the coreset is drawn once with Q and as many rows as its tensors are worth, and (x, z) take
/// over.
const NEAR: f64 = 0.1;
/// Above this Gauss–Newton step rows of the whole matrix are watched while the coreset's problem is solved.
const FAR: f64 = 0.1;
/// Far away, where steps come to nothing by themselves, a coreset holds this share of the usual rows.
const FEWER_ROWS: f64 = 0.6;
/// A coreset serves until some slack moved by this much since its draw.
const REACH: f64 = 0.3;
/// A coreset's step that gained less than this factor is drawn anew, with twice the rows.
const SLOW: f64 = 0.25;
/// Below this change slow progress is rounding.
const FLOOR: f64 = 1e-7;
/// Near the solution the coreset holds this many n/d rows: third moments of so many cost two evaluations.
const NEAR_ROWS: f64 = 6.0;
const LARGEST_FACTOR: f64 = 64.0;
const INNER_STEPS: u32 = 12;
/// Rounds in which rows are added.
const GROWTH_ROUNDS: usize = 6;
/// Rows are added until less than this share of d of their scores is missing.
const MISSING: f64 = 0.025;
/// Columns of the sketch of the scores at the coreset's minimiser.
const SKETCH: usize = 8;
/// Share of a slack that a step may take.
const STEP_CAP: f64 = 0.95;

/// Minimises L from `first` on.
///
/// At x_k, with r = g − c and h = Hr exact: m(x) = ½‖r̃‖² + ½‖diag(w)Ax‖², r̃(x) = r + ∇V_C(x) − ∇V_C(x_k) + E(x − x_k),
/// where E makes (∇²V_C + E)r = h, so that m and ∇m are L and ∇L at x_k. m is minimised in a trust region over the rows of
/// the coreset alone. Once its steps are small its curvature is kept, and (x, z) are iterated ([`iterate`]).
///
/// # Cost
/// Two evaluations a step, and the coreset's tensors; no n×d² and no n×d array.
pub(super) fn descend_by_coresets(
    objective: &Objective<'_>,
    first: Place,
    options: DescentOptions,
    seed: u64,
    watch: &mut Watch<'_>,
    run: &Run<'_>,
) -> Result<Descent> {
    let mut steps = Steps { objective, seed, stream: 0, factor: 1.0, drawn: None };
    let mut place = first;
    let (mut size, mut last) = (f64::INFINITY, f64::INFINITY);
    let mut known: Option<Vec<f64>> = None; // Hr at the point, which another coreset needs too
    for _ in 0..options.max_iterations {
        run.check()?;
        let image = match known.take() {
            Some(image) => image,
            None => objective.hessian_times(&place, &place.residual, run)?,
        };
        let fresh = steps.drawn.is_none();
        let Some(model) = steps.model(&place, &image, size, run)? else {
            return exact_descent(objective, place, options, watch, run);
        };
        let Some(start) = model.at(&place.base.x, run)? else {
            return exact_descent(objective, place, options, watch, run);
        };
        let curvature = model.curvature(&start, run)?;
        let frame = Frame::new(&model, &start, &curvature)?;
        let back: Vec<f64> = frame.slope.iter().map(|q| -q).collect();
        let gauss_newton = start.base.factor.half_solve_transposed(&frame.whitened(&back));
        size = objective.largest_change(&place, &gauss_newton, run)?;
        if size < options.tolerance {
            watch(&place, size);
            return Ok(Descent { place, converged: frame.strict() });
        }
        let spent = size > SLOW * last || steps.reach(&place, run)? > REACH;
        if !fresh && spent && size > FLOOR {
            if size > SLOW * last {
                steps.factor = (2.0 * steps.factor).min(LARGEST_FACTOR);
            }
            steps.drawn = None;
            last = f64::INFINITY;
            known = Some(image);
            continue;
        }
        if size < NEAR && steps.too_rough_nearby() {
            steps.drawn = None;
            last = f64::INFINITY;
            known = Some(image);
            continue;
        }
        last = size;
        let inner = DescentOptions {
            tolerance: 0.1 * size.clamp(options.tolerance, 1.0),
            max_iterations: if size > NEAR { INNER_STEPS } else { 1 },
        };
        let near = (size < NEAR).then(|| LocalModel::new(&start, &curvature, &frame));
        let value = start.value;
        let found = descend_in_frame(&model, start, Some(frame), inner, &mut |_, _| {}, run)?.place;
        let (found, value) = match size > FAR {
            true => steps.grown(&place, &image, found, value, inner, run)?,
            false => (found, value),
        };
        let predicted = value - found.value;
        let mut h: Vec<f64> = found.base.x.iter().zip(&place.base.x).map(|(y, x)| y - x).collect();
        let loss = -objective.slack_changes(&place, &h, run)?.iter().fold(0.0, |m: f64, v| m.min(*v));
        if loss > STEP_CAP {
            h.iter_mut().for_each(|h| *h *= STEP_CAP / loss);
        }
        let x: Vec<f64> = place.base.x.iter().zip(&h).map(|(x, h)| x + h).collect();
        let trial = objective.at(&x, run)?;
        let gains = |trial: &Place| {
            place.value - trial.value > 1e-3 * predicted || predicted < 1e-12 * place.value || size < 1e-5
        };
        let Some(trial) = trial.filter(gains) else {
            // The coreset misled: one exact step, and another coreset of more rows.
            let once = DescentOptions { tolerance: options.tolerance, max_iterations: 1 };
            let exact = objective.by_products();
            let stepped = descend(&exact, place.clone(), once, watch, run)?;
            if stepped.converged || stepped.place.base.x == place.base.x {
                return Ok(stepped);
            }
            place = stepped.place;
            steps.factor = (1.5 * steps.factor).min(LARGEST_FACTOR);
            steps.drawn = None;
            (size, last) = (f64::INFINITY, f64::INFINITY);
            continue;
        };
        watch(&place, size);
        let Some(local) = near else {
            place = trial;
            continue;
        };
        let ended = iterate(objective, &local, (place, trial), &h, options.tolerance, watch, run)?;
        match ended {
            Ending::Done(place) => return Ok(Descent { place, converged: local.strict() }),
            Ending::Left(left) => {
                place = left;
                steps.factor = (2.0 * steps.factor).min(LARGEST_FACTOR);
                steps.drawn = None;
                last = f64::INFINITY;
            }
        }
    }
    Ok(Descent { place, converged: false })
}

/// The same descent without a coreset, where none can be had.
fn exact_descent(
    objective: &Objective<'_>,
    place: Place,
    options: DescentOptions,
    watch: &mut Watch<'_>,
    run: &Run<'_>,
) -> Result<Descent> {
    let exact = objective.by_products();
    descend(&exact, place, options, watch, run)
}

/// A coreset in use.
struct Current {
    draw: Draw,
    rows: WeightedRows,
    /// Where it was drawn.
    anchor: Place,
    /// E₀ = H₀ − ∇²V_C at the anchor; empty: 0.
    better: Vec<f64>,
}

struct Steps<'s, 'a> {
    objective: &'s Objective<'a>,
    seed: u64,
    stream: u64,
    /// Rows, as a multiple of the usual number.
    factor: f64,
    drawn: Option<Current>,
}

impl<'a> Steps<'_, 'a> {
    /// m of the coreset at x_k, drawn there where none is in use; `size`: the last Gauss–Newton step.
    fn model(&mut self, place: &Place, image: &[f64], size: f64, run: &Run<'_>) -> Result<Option<Objective<'a>>> {
        let (n, d) = (place.base.slack.len(), self.objective.dim());
        while self.drawn.is_none() {
            let far = if size > 1.0 { FEWER_ROWS } else { 1.0 };
            let mut wanted = far * self.factor * coreset_rows(d);
            if size < NEAR {
                wanted = wanted.max(NEAR_ROWS * n as f64 / d as f64);
            }
            if wanted > 0.9 * n as f64 {
                return Ok(None);
            }
            self.stream += 1;
            let draw = Draw::new(&place.base.scores, wanted as usize, self.seed, STREAM + self.stream);
            self.drawn = self.gathered(draw, place, size < 1.0, run)?;
            if self.drawn.is_none() {
                self.factor *= 2.0; // too few rows for a positive definite sample
            }
        }
        match &self.drawn {
            Some(current) => self.centred(&current.rows, &current.better, place, image, run),
            None => Ok(None),
        }
    }

    fn gathered(&self, draw: Draw, place: &Place, better: bool, run: &Run<'_>) -> Result<Option<Current>> {
        let (objective, d) = (self.objective, self.objective.dim());
        let rows = WeightedRows::gather(objective.barrier, draw.sample())?;
        let Some(base) = rows.at(&place.base.x, run)? else { return Ok(None) };
        let mut difference = Vec::new();
        if better {
            let q = objective.barrier.whitened_vaidya(&place.base, run)?;
            let Some(exact) = rows.better_hessian(&place.base, &q, run)? else { return Ok(None) };
            let own = rows.curvature(&base, &vec![0.0; d], run)?.hessian;
            let own = crate::barrier::unwhiten(base.factor.lower(), d, &own);
            difference = exact.iter().zip(&own).map(|(e, o)| e - o).collect();
        }
        objective.charge_coreset(&rows);
        Ok(Some(Current { draw, rows, anchor: place.clone(), better: difference }))
    }

    /// The coreset's objective, corrected at `place`: E = E₀ and one update more, so that (∇²V_C + E)r = h.
    fn centred(
        &self,
        rows: &WeightedRows,
        better: &[f64],
        place: &Place,
        image: &[f64],
        run: &Run<'_>,
    ) -> Result<Option<Objective<'a>>> {
        let d = image.len();
        let Some(base) = rows.at(&place.base.x, run)? else { return Ok(None) };
        let r = &place.residual;
        let mut own = rows.hessian_vec(&base, r);
        self.objective.charge_coreset(rows);
        let mut matrix = match better.is_empty() {
            true => vec![0.0; d * d],
            false => {
                let tilt = linalg::symmetric_times_vector(better, r);
                own.iter_mut().zip(&tilt).for_each(|(h, t)| *h += t);
                better.to_vec()
            }
        };
        add_secant(&mut matrix, r, image, &own);
        let constant = place.base.gradient.iter().zip(&base.gradient).map(|(g, c)| g - c).collect();
        let correction = Correction { centre: place.base.x.clone(), constant, matrix };
        Ok(Some(self.objective.drawn(rows.corrected(correction))))
    }

    /// The largest change of a slack of the coreset since it was drawn.
    fn reach(&self, place: &Place, run: &Run<'_>) -> Result<f64> {
        let Some(current) = &self.drawn else { return Ok(0.0) };
        let h: Vec<f64> = place.base.x.iter().zip(&current.anchor.base.x).map(|(x, a)| x - a).collect();
        self.objective.largest_change(&current.anchor, &h, run)
    }

    /// Whether the coreset holds far fewer rows than its tensors are worth near the solution, or was drawn without Q.
    fn too_rough_nearby(&self) -> bool {
        let Some(current) = &self.drawn else { return false };
        if current.better.is_empty() {
            return true;
        }
        let (n, d) = (current.anchor.base.slack.len() as f64, self.objective.dim() as f64);
        (current.rows.len() as f64) < 0.6 * (NEAR_ROWS * n / d).min(0.9 * n)
    }

    /// Adds the rows that matter at the coreset's minimiser, and solves again from there, until few are missing; the
    /// minimiser and m(x_k) of the last coreset.
    fn grown(
        &mut self,
        place: &Place,
        image: &[f64],
        mut found: Place,
        mut value: f64,
        inner: DescentOptions,
        run: &Run<'_>,
    ) -> Result<(Place, f64)> {
        let (objective, d) = (self.objective, self.objective.dim());
        let mut from = place.base.x.clone();
        for round in 0..GROWTH_ROUNDS {
            let Some(current) = &mut self.drawn else { break };
            let changes = |x: &[f64]| -> Result<Vec<f64>> {
                let h: Vec<f64> = x.iter().zip(&place.base.x).map(|(y, x)| y - x).collect();
                objective.slack_changes(place, &h, run)
            };
            let (before, mut after) = (changes(&from)?, changes(&found.base.x)?);
            objective.barrier.charge(2.0 / d as f64);
            let mut drawn = vec![false; after.len()];
            current.rows.numbers().iter().for_each(|&i| drawn[i] = true);
            let lost = |i: &usize| !drawn[*i] && 1.0 + after[*i] <= 0.05 * (1.0 + before[*i]);
            let blocked: Vec<usize> = (0..after.len()).filter(lost).collect();
            if !blocked.is_empty() {
                let share =
                    blocked.iter().map(|&i| 0.8 * (1.0 + before[i]) / (before[i] - after[i])).fold(1.0, f64::min);
                let x: Vec<f64> = from.iter().zip(&found.base.x).map(|(f, y)| f + share * (y - f)).collect();
                after = changes(&x)?;
                from = x;
            } else {
                from.copy_from_slice(&found.base.x);
            }
            let largest = after.iter().fold(0.0, |m: f64, t| m.max(t.abs()));
            if blocked.is_empty() && (largest < REACH || round + 1 == GROWTH_ROUNDS) {
                break;
            }
            let Some(base) = current.rows.at(&from, run)? else { break };
            let inverse_slack: Vec<f64> =
                place.base.inverse_slack.iter().zip(&after).map(|(r, t)| r / (1.0 + t)).collect();
            objective.barrier.charge(SKETCH as f64 / d as f64);
            let source = objective.barrier.source();
            let mut scores = sketched_scores(source, Some(&inverse_slack), &base.factor, SKETCH, self.seed, run)?;
            scores.iter_mut().for_each(|s| *s = s.min(1.0));
            let missing: f64 =
                (0..scores.len()).filter(|&i| current.draw.would_add(i, scores[i])).map(|i| scores[i]).sum();
            if blocked.is_empty() && missing < MISSING * d as f64 {
                break;
            }
            current.draw.raise(&scores);
            current.draw.include(&blocked, 1.0);
            let rows = WeightedRows::gather(objective.barrier, current.draw.sample())?;
            let Some(model) = self.centred(&rows, &[], place, image, run)? else { break };
            let (Some(start), Some(centre)) = (model.at(&from, run)?, model.at(&place.base.x, run)?) else { break };
            value = centre.value;
            found = descend(&model, start, inner, &mut |_, _| {}, run)?.place;
            if let Some(current) = &mut self.drawn {
                current.rows = rows;
                current.better.clear();
            }
        }
        Ok((found, value))
    }
}

/// Separates these draws from those of the other solvers.
const STREAM: u64 = 1 << 41;

/// E becomes E + hhᵀ/(rᵀh) − kkᵀ/(rᵀk) for k = (∇²V_C + E)r, or where that is not defined the symmetric update of least
/// size: afterwards (∇²V_C + E)r = h.
fn add_secant(matrix: &mut [f64], r: &[f64], h: &[f64], k: &[f64]) {
    let d = r.len();
    let (rr, rh, rk) = (dot(r, r), dot(r, h), dot(r, k));
    if rr == 0.0 {
        return;
    }
    let convex = rh > 0.0 && rk > 0.0;
    let e: Vec<f64> = h.iter().zip(k).map(|(h, k)| h - k).collect();
    let re = dot(r, &e);
    for j in 0..d {
        for i in 0..d {
            matrix[i + j * d] += match convex {
                true => h[i] * h[j] / rh - k[i] * k[j] / rk,
                false => (e[i] * r[j] + r[i] * e[j]) / rr - r[i] * r[j] * re / (rr * rr),
            };
        }
    }
}
