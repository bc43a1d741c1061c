//! First coefficients from the weights: least squares where log w or a power of w is linear in them, else fits of log w from
//! many directions.

use super::model::HatModel;
use super::small::{Fitted, Linearised, Problem, levenberg_marquardt};
use crate::error::Result;
use crate::families::{Family, Link, Shape};
use crate::linalg::{self, dot};
use crate::normal::draw_into;
use crate::random::uniform_rows_into;
use crate::run::Run;

/// Rows in memory, and what the weights say of each.
pub(super) struct Sample {
    /// Row-major, d columns.
    pub rows: Vec<f64>,
    pub d: usize,
    /// t − log m: log w(η) up to the constant of its component.
    pub log_weight: Vec<f64>,
    /// Standard deviation of that.
    pub deviation: Vec<f64>,
    pub offset: Vec<f64>,
    /// 0-based.
    pub component: Vec<usize>,
    /// Components with a constant of their own; 0 where all constants are known to be 0.
    pub components: usize,
}

/// Streams of random draws of their own.
const DIRECTIONS: u64 = 0x4841_5401;
const CHOICES: u64 = 0x4841_5402;
/// Eigenvectors that begin a search: the first ones carry the large predictors.
const LEADING: usize = 4;
const STEPS: u32 = 60;
const TOLERANCE: f64 = 1e-6;

/// Coefficients to polish, the most promising first.
pub(super) fn first_coefficients(
    sample: &Sample,
    model: &HatModel,
    (seed, directions): (u64, usize),
    run: &Run<'_>,
) -> Result<Vec<Vec<f64>>> {
    Ok(match model.law.shape() {
        Shape::Linear(slope) => vec![linear(sample, slope)],
        Shape::Power(p) => vec![power(sample, model, p)],
        Shape::Even | Shape::General | Shape::Constant => searched(sample, model, (seed, directions), run)?,
    })
}

/// Least squares with a faint pull to zero, so that dependent columns do no harm to a start.
fn solve(rows: Vec<f64>, p: usize) -> Vec<f64> {
    const PULL: f64 = 1e-10;
    let mut rows = rows;
    let norms = Linearised::of(&rows, p).column_norms();
    for (j, norm) in norms.iter().enumerate() {
        let at = rows.len();
        rows.resize(at + p + 1, 0.0);
        rows[at + j] = PULL * norm;
    }
    let (lower, right) = linalg::least_squares_factor(&rows, p);
    linalg::solve_lower_transposed(&lower, &right)
}

/// p(oᵢ + aᵢβ) + c = log wᵢ.
fn linear(sample: &Sample, slope: f64) -> Vec<f64> {
    let (d, p) = (sample.d, sample.d + sample.components);
    let mut rows = Vec::with_capacity(sample.log_weight.len() * (p + 1));
    for (i, row) in sample.rows.chunks_exact(d).enumerate() {
        let weight = 1.0 / sample.deviation[i];
        rows.extend(row.iter().map(|a| slope * a * weight));
        rows.extend((0..sample.components).map(|c| if c == sample.component[i] { weight } else { 0.0 }));
        rows.push((sample.log_weight[i] - slope * sample.offset[i]) * weight);
    }
    let mut x = solve(rows, p);
    x.truncate(d);
    x
}

/// oᵢ + aᵢβ = s_c·yᵢ, y = w^(1/p): without an offset s of the first component is 1, with known constants all are.
fn power(sample: &Sample, model: &HatModel, p: f64) -> Vec<f64> {
    let d = sample.d;
    let known = sample.components == 0;
    let open = if known { usize::MAX } else { usize::from(!model.has_offset()) };
    let unknowns = d + sample.components.saturating_sub(open);
    let mean = match known {
        true => 0.0,
        false => sample.log_weight.iter().sum::<f64>() / sample.log_weight.len() as f64,
    };
    let mut rows = Vec::new();
    for (i, row) in sample.rows.chunks_exact(d).enumerate() {
        let y = ((sample.log_weight[i] - mean) / p).exp();
        let weight = 1.0 / (y * sample.deviation[i]);
        let c = sample.component[i];
        rows.extend(row.iter().map(|a| a * weight));
        rows.extend((open..sample.components).map(|k| if k == c { -y * weight } else { 0.0 }));
        rows.push(if c < open { y * weight } else { 0.0 } - sample.offset[i] * weight);
    }
    let mut x = solve(rows, unknowns);
    x.truncate(d);
    x
}

/// log m + ℓ(o + aβ) + c against t, weighted: unknowns β and one c for each component.
struct LogWeights<'a> {
    sample: &'a Sample,
    model: &'a HatModel,
}

impl LogWeights<'_> {
    /// (residual, slope of ℓ) of a row.
    fn at(&self, i: usize, x: &[f64]) -> (f64, f64) {
        let d = self.sample.d;
        let eta = self.sample.offset[i] + dot(&self.sample.rows[i * d..(i + 1) * d], &x[..d]);
        let (log, slope) = self.model.law.log_weight(eta);
        let constant = x.get(d + self.sample.component[i]).copied().unwrap_or(0.0);
        (log + constant - self.sample.log_weight[i], slope)
    }
}

impl Problem for LogWeights<'_> {
    fn square(&mut self, x: &[f64]) -> Result<Option<f64>> {
        let count = self.sample.log_weight.len();
        let sum: f64 = (0..count).map(|i| (self.at(i, x).0 / self.sample.deviation[i]).powi(2)).sum();
        Ok(sum.is_finite().then_some(sum))
    }

    fn linearised(&mut self, x: &[f64]) -> Result<Option<Linearised>> {
        let Sample { d, components, .. } = *self.sample;
        let p = d + components;
        let mut rows = Vec::with_capacity(self.sample.log_weight.len() * (p + 1));
        for (i, row) in self.sample.rows.chunks_exact(d).enumerate() {
            let (residual, slope) = self.at(i, x);
            let weight = 1.0 / self.sample.deviation[i];
            rows.extend(row.iter().map(|a| slope * a * weight));
            rows.extend((0..components).map(|c| if c == self.sample.component[i] { weight } else { 0.0 }));
            rows.push(residual * weight);
        }
        let found = Linearised::of(&rows, p);
        Ok(found.lower.iter().chain(&found.right).all(|v| v.is_finite()).then_some(found))
    }
}

/// Fits of log w from leading directions of Σ(fᵢ − med f)qᵢqᵢᵀ, f = ∓log w, at two sizes, and from random ones.
fn searched(
    sample: &Sample,
    model: &HatModel,
    (seed, directions): (u64, usize),
    run: &Run<'_>,
) -> Result<Vec<Vec<f64>>> {
    let d = sample.d;
    let lower = linalg::triangular_factor(&sample.rows, d);
    let mut q = sample.rows.clone();
    linalg::solve_lower_rows(&lower, d, &mut q);
    let ones: Vec<f64> = {
        let rows = sample.rows.chunks_exact(d).flat_map(|row| row.iter().copied().chain([1.0])).collect();
        solve(rows, d)
    };
    let mut drawn = vec![0.0; directions * d];
    draw_into(seed, DIRECTIONS, &mut drawn);
    let mut chosen = vec![0.0; 3 * (directions + 4 * LEADING)];
    uniform_rows_into(seed, CHOICES, 0, &mut chosen);
    let mut tried: Vec<(Vec<f64>, f64)> = Vec::new();
    for direction in leading(&q, &sample.log_weight, d) {
        tried.extend([(direction.clone(), 1.0), (direction, 3.0)]);
    }
    for (k, direction) in drawn.chunks_exact(d).enumerate() {
        let size = [0.5, 1.0, 2.0, 4.0][(4.0 * chosen[3 * k]) as usize % 4];
        tried.push((direction.to_vec(), size));
    }
    let mut found: Vec<Fitted> = Vec::new();
    for (k, (direction, size)) in tried.iter().enumerate() {
        run.check()?;
        let eta: Vec<f64> = q.chunks_exact(d).map(|q| dot(q, direction)).collect();
        let mean = eta.iter().sum::<f64>() / eta.len() as f64;
        let spread = (eta.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / eta.len() as f64).sqrt();
        let mut b: Vec<f64> = linalg::solve_lower_transposed(&lower, direction);
        b.iter_mut().for_each(|b| *b *= size / spread.max(1e-12));
        let (turn, shift) = (chosen[3 * k + 1], chosen[3 * k + 2]);
        if model.law.shape() != Shape::Even && turn < 0.5 {
            b.iter_mut().for_each(|b| *b = -*b);
        }
        let shifted = match (model.law.family(), model.law.link()) {
            (Family::Binomial, Link::Log) => {
                let b: Vec<f64> = b.iter().map(|b| 0.2 * b).collect();
                let top = sample
                    .rows
                    .chunks_exact(d)
                    .zip(&sample.offset)
                    .map(|(row, o)| o + dot(row, &b))
                    .fold(f64::NEG_INFINITY, f64::max);
                b.iter().zip(&ones).map(|(b, one)| b - (top + 0.3 + 2.0 * shift) * one).collect()
            }
            (Family::NegativeBinomial, _) | (_, Link::Cloglog) => {
                let by = [-3.0, 0.0, 3.0][(3.0 * shift) as usize % 3];
                b.iter().zip(&ones).map(|(b, one)| b - by * one).collect()
            }
            _ => b,
        };
        let mut problem = LogWeights { sample, model };
        let x = with_constants(&problem, shifted);
        found.extend(levenberg_marquardt(&mut problem, x, (STEPS, TOLERANCE))?);
    }
    found.sort_by(|a, b| a.square.total_cmp(&b.square));
    Ok(found.into_iter().map(|fit| fit.x[..d].to_vec()).collect())
}

/// β with the constants that fit it best.
fn with_constants(problem: &LogWeights<'_>, mut x: Vec<f64>) -> Vec<f64> {
    let Sample { d, components, .. } = *problem.sample;
    x.resize(d + components, 0.0);
    let (mut sum, mut total) = (vec![0.0; components], vec![0.0; components]);
    for (i, c) in problem.sample.component.iter().enumerate().filter(|(_, c)| **c < components) {
        let weight = problem.sample.deviation[i].powi(-2);
        let residual = problem.at(i, &x).0;
        if residual.is_finite() {
            sum[*c] -= weight * residual;
            total[*c] += weight;
        }
    }
    (0..components).for_each(|c| x[d + c] = if total[c] > 0.0 { sum[c] / total[c] } else { 0.0 });
    x
}

/// The spectral start of phase retrieval: rows of large predictors lie together.
fn leading(q: &[f64], log_weight: &[f64], d: usize) -> Vec<Vec<f64>> {
    let mut sorted = log_weight.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut scaled = vec![0.0; q.len()];
    linalg::scale_rows_into(q, d, |i| median - log_weight[i], &mut scaled);
    let mut moment = vec![0.0; d * d];
    linalg::add_gram(q, &scaled, d, &mut moment);
    let Some((values, vectors)) = linalg::symmetric_eigen(&moment, d) else { return Vec::new() };
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&i, &j| values[j].abs().total_cmp(&values[i].abs()));
    order.into_iter().take(LEADING).map(|k| vectors[k * d..(k + 1) * d].to_vec()).collect()
}
