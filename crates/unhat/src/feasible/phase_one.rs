//! A point inside a cell by Newton on the largest margin t, with Ax − b ≥ t‖aᵢ‖; a linear program proves there is none.

use super::linear_program::LinearProgram;
use crate::barrier::slack_at;
use crate::error::{ErrorKind, Result};
use crate::gram::{Factor, add_weighted_gram, gram_stretches, merged};
use crate::linalg;
use crate::rows::{Pass, RowSource, Rows, Shape, sweep, with_scratch};
use crate::run::Run;

/// A point strictly inside the cell {ςᵢ(aᵢx − bᵢ) > 0}, and what it cost in evaluations.
///
/// Newton on −w·t − Σ log(ςᵢ(aᵢx − bᵢ) − t‖aᵢ‖) − log(1 − t) from x = 0, w growing eightfold whenever the decrement is
/// below 1; it ends as soon as t > 0. Five or six Gram matrices are the rule. Where t stays at or below 0, a linear
/// program decides between a point, an empty cell and one without interior.
///
/// # Cost
/// Half an evaluation a step.
/// # Errors
/// [`ErrorKind::Empty`] with the rows of a Farkas certificate; [`ErrorKind::NoInterior`] with the implicit equalities.
pub fn interior_point(
    source: &dyn RowSource,
    offset: &[f64],
    positive: &[bool],
    run: &Run<'_>,
) -> Result<(Vec<f64>, f64)> {
    let margin = Margin::new(source, offset, positive, run)?;
    if let Some((x, passes)) = margin.newton(run)? {
        return Ok((x, passes));
    }
    let (x, passes) = (margin.linear_program(run)?, MAX_STEPS as f64 / 2.0);
    let inside = margin.signed_slack(&x, run)?.iter().all(|s| *s > 0.0);
    match inside {
        true => Ok((x, passes)),
        false => Err(ErrorKind::Numerical {
            reason: "the linear program found an interior point, but rounding puts it on the boundary".into(),
        }
        .into()),
    }
}

/// Newton steps before the linear program takes over.
const MAX_STEPS: usize = 40;

struct Margin<'a> {
    source: &'a dyn RowSource,
    offset: &'a [f64],
    positive: &'a [bool],
    norms: Vec<f64>,
}

impl<'a> Margin<'a> {
    fn new(source: &'a dyn RowSource, offset: &'a [f64], positive: &'a [bool], run: &Run<'_>) -> Result<Self> {
        let mut norms = vec![0.0; offset.len()];
        sweep(source, &RowNorms, &mut norms, run)?;
        if norms.iter().any(|v| !v.is_finite()) {
            crate::rows::require_finite(source, "matrix")?;
        }
        let margin = Margin { source, offset, positive, norms };
        // A row of zeros reads 0 > b: true or false whatever x is.
        let impossible = |i: &usize| margin.norms[*i] == 0.0 && -offset[*i] * margin.sign(*i) <= 0.0;
        match (0..offset.len()).find(impossible) {
            None => Ok(margin),
            Some(row) => {
                let gap = offset[row].abs();
                Err(ErrorKind::Empty { rows: vec![row], multipliers: vec![1.0], gap }.into())
            }
        }
    }

    fn sign(&self, row: usize) -> f64 {
        if self.positive[row] { 1.0 } else { -1.0 }
    }

    fn signed_slack(&self, x: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
        let mut slack = slack_at(self.source, self.offset, x, run)?;
        slack.iter_mut().enumerate().for_each(|(i, s)| *s *= self.sign(i));
        Ok(slack)
    }

    /// A strictly interior point, or None where Newton cannot decide.
    fn newton(&self, run: &Run<'_>) -> Result<Option<(Vec<f64>, f64)>> {
        let d = self.source.shape().columns;
        let n = self.offset.len() as f64;
        let mut x = vec![0.0; d];
        let mut slack = self.signed_slack(&x, run)?;
        let distances = || slack.iter().zip(&self.norms).filter(|(_, v)| **v > 0.0).map(|(s, v)| s / v);
        let lowest = distances().fold(f64::INFINITY, f64::min);
        let size = distances().map(f64::abs).fold(0.0, f64::max);
        let mut t = lowest - if size > 0.0 { 0.5 * size } else { 1.0 };
        let mut weight = n / t.abs();
        for step in 0..MAX_STEPS {
            let r: Vec<f64> = slack.iter().zip(&self.norms).map(|(s, v)| s - t * v).collect();
            let Some(direction) = self.newton_direction(&r, t, weight, run)? else { return Ok(None) };
            let (dx, dt) = direction.split_at(d);
            let dt = dt[0];
            let mut change = vec![0.0; slack.len()];
            sweep(self.source, &Product(dx), &mut change, run)?;
            change.iter_mut().enumerate().for_each(|(i, q)| *q *= self.sign(i));
            let q: Vec<f64> = change.iter().zip(&self.norms).map(|(q, v)| q - dt * v).collect();
            let length = exact_line_search(&r, &q, 1.0 - t, -dt, weight * dt);
            let decrement = newton_decrement(&r, &q, 1.0 - t, -dt);
            x.iter_mut().zip(dx).for_each(|(x, h)| *x += length * h);
            t += length * dt;
            slack = self.signed_slack(&x, run)?;
            if slack.iter().all(|s| *s > 0.0) {
                return Ok(Some((x, 0.5 * (step + 1) as f64)));
            }
            if !t.is_finite() || t > 0.0 {
                return Ok(None);
            }
            if decrement < 1.0 {
                if t + 2.0 * (n + 1.0) / weight < 0.0 {
                    return Ok(None); // the margin cannot become positive any more
                }
                weight *= 8.0;
            }
        }
        Ok(None)
    }

    /// −H⁻¹∇ in (x, t), by the Schur complement of t.
    fn newton_direction(&self, r: &[f64], t: f64, weight: f64, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        let d = self.source.shape().columns;
        let signs = self.positive;
        let acc = sweep(self.source, &MarginPass { r, norms: &self.norms, positive: signs, columns: d }, &mut [], run)?;
        let Some(factor) = Factor::of_gram(acc.gram, d) else { return Ok(None) };
        let to_one = 1.0 - t;
        let curvature_t = acc.norm_square + 1.0 / (to_one * to_one);
        let gradient_t = -weight + acc.norm_sum + 1.0 / to_one;
        // H = [M, −m; −mᵀ, τ],  ∇ = (−e, γ).
        let along = factor.solve(&acc.mixed);
        let schur = curvature_t - linalg::dot(&acc.mixed, &along);
        let plain = factor.solve(&acc.slack_sum);
        let dt = (-gradient_t + linalg::dot(&acc.mixed, &plain)) / schur;
        if !(schur > 0.0 && dt.is_finite()) {
            return Ok(None);
        }
        Ok(Some(plain.iter().zip(&along).map(|(p, a)| p + dt * a).chain([dt]).collect()))
    }

    /// Decides by a linear program, rows scaled to unit norm: max t ≤ 1 with ςᵢ(aᵢx − bᵢ) ≥ t‖aᵢ‖.
    fn linear_program(&self, run: &Run<'_>) -> Result<Vec<f64>> {
        let d = self.source.shape().columns;
        let mut objective = vec![0.0; d + 1];
        objective[d] = 1.0;
        let program = LinearProgram { objective: &objective, fixed: vec![(objective.clone(), 1.0)] };
        let constraint = |row: &[f64], i: usize| {
            let scale = if self.norms[i] > 0.0 { self.sign(i) / self.norms[i] } else { 0.0 };
            let coefficients = row.iter().map(|a| -a * scale).chain([f64::from(scale != 0.0)]).collect();
            (coefficients, -self.offset[i] * scale)
        };
        let violations = |z: &[f64]| {
            let slack = self.signed_slack(&z[..d], run)?;
            Ok(slack.iter().zip(&self.norms).map(|(s, v)| if *v > 0.0 { z[d] - s / v } else { 0.0 }).collect())
        };
        let optimum = program.solve(self.source, &constraint, &violations, run)?;
        let t = optimum.z[d];
        let scale = self.offset.iter().zip(&self.norms).filter(|(_, v)| **v > 0.0);
        let size = scale.map(|(b, v)| (b / v).abs()).fold(1.0, f64::max);
        let tolerance = 1e-9 * size;
        if t > tolerance {
            return Ok(optimum.z[..d].to_vec());
        }
        let proof: Vec<(usize, f64)> = optimum.multipliers.into_iter().filter(|(_, y)| *y > 1e-7).collect();
        let rows = proof.iter().map(|(i, _)| *i).collect();
        if t >= -tolerance {
            return Err(ErrorKind::NoInterior { rows }.into());
        }
        let multipliers = proof.iter().map(|(i, y)| y / self.norms[*i]).collect();
        Err(ErrorKind::Empty { rows, multipliers, gap: -t }.into())
    }
}

/// The length in (0, 1] that minimises −slope·α − Σ log(rᵢ + αqᵢ) − log(u + αp): a scalar Newton iteration on slopes.
fn exact_line_search(r: &[f64], q: &[f64], u: f64, p: f64, slope: f64) -> f64 {
    let pairs = || r.iter().zip(q).map(|(r, q)| (*r, *q)).chain([(u, p)]);
    let cap = pairs().filter(|(_, q)| *q < 0.0).map(|(r, q)| -r / q).fold(f64::INFINITY, f64::min);
    let (mut low, mut high) = (0.0, (0.99 * cap).min(1e6));
    let mut alpha = 1f64.min(high);
    for _ in 0..60 {
        let (mut first, mut second) = (-slope, 0.0);
        for (r, q) in pairs() {
            let ratio = q / (r + alpha * q);
            first -= ratio;
            second += ratio * ratio;
        }
        if first > 0.0 {
            high = alpha
        } else {
            low = alpha
        }
        let next = alpha - first / second;
        let next = if next > low && next < high { next } else { 0.5 * (low + high) };
        if (next - alpha).abs() < 1e-3 * alpha {
            return next;
        }
        alpha = next;
    }
    alpha
}

/// √(dᵀHd) from the ratios along the step.
fn newton_decrement(r: &[f64], q: &[f64], u: f64, p: f64) -> f64 {
    (r.iter().zip(q).map(|(r, q)| (q / r) * (q / r)).sum::<f64>() + (p / u) * (p / u)).sqrt()
}

struct RowNorms;

impl Pass for RowNorms {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.row_norms_squared_into(out);
        out.iter_mut().for_each(|v| *v = v.sqrt());
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

pub(super) struct Product<'a>(pub &'a [f64]);

impl Pass for Product<'_> {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        rows.block.apply_into(self.0, out);
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}

/// One Gram pass of phase I: M = Σ aaᵀ/r², m = Σ ς‖a‖a/r², e = Σ ςa/r, Σ‖a‖²/r², Σ‖a‖/r.
struct MarginPass<'a> {
    r: &'a [f64],
    norms: &'a [f64],
    positive: &'a [bool],
    columns: usize,
}

struct MarginAcc {
    gram: Vec<f64>,
    mixed: Vec<f64>,
    slack_sum: Vec<f64>,
    norm_square: f64,
    norm_sum: f64,
}

impl Pass for MarginPass<'_> {
    type Acc = MarginAcc;
    fn zero(&self) -> MarginAcc {
        let d = self.columns;
        MarginAcc {
            gram: vec![0.0; d * d],
            mixed: vec![0.0; d],
            slack_sum: vec![0.0; d],
            norm_square: 0.0,
            norm_sum: 0.0,
        }
    }
    fn add(&self, acc: &mut MarginAcc, rows: &Rows<'_>, _out: &mut [f64]) -> Result<()> {
        let range = rows.range();
        let (r, norms, positive) = (&self.r[range.clone()], &self.norms[range.clone()], &self.positive[range]);
        add_weighted_gram(&rows.block, self.columns, |i| 1.0 / (r[i] * r[i]), &mut acc.gram);
        with_scratch(r.len(), |u| {
            let sign = |i: usize| if positive[i] { 1.0 } else { -1.0 };
            (0..r.len()).for_each(|i| u[i] = sign(i) * norms[i] / (r[i] * r[i]));
            rows.block.apply_transpose_add(u, &mut acc.mixed);
            (0..r.len()).for_each(|i| u[i] = sign(i) / r[i]);
            rows.block.apply_transpose_add(u, &mut acc.slack_sum);
        });
        for (v, r) in norms.iter().zip(r) {
            acc.norm_square += (v / r) * (v / r);
            acc.norm_sum += v / r;
        }
        Ok(())
    }
    fn merge(&self, left: MarginAcc, right: MarginAcc) -> MarginAcc {
        MarginAcc {
            gram: merged(left.gram, right.gram),
            mixed: merged(left.mixed, right.mixed),
            slack_sum: merged(left.slack_sum, right.slack_sum),
            norm_square: left.norm_square + right.norm_square,
            norm_sum: left.norm_sum + right.norm_sum,
        }
    }
    fn stretches(&self, shape: &Shape, blocks: usize) -> usize {
        gram_stretches(shape, blocks)
    }
}
