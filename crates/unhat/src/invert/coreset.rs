//! `coreset`: the subsampled Newton step after the paper. Rows are drawn by leverage, and the Hessian is theirs.

use super::tilted::{Tilted, TiltedPoint};
use crate::error::{ErrorKind, Result};
use crate::linalg::{self, norm};
use crate::oracle::{Curvature, NewtonStep};
use crate::random::uniform_rows_into;
use crate::run::Run;

/// Newton steps with the Hessian of rows drawn by their leverage scores.
pub(super) struct Coreset {
    pub seed: u64,
    /// The decrement of a sample is only an estimate; from this multiple of the tolerance on it is computed from all rows.
    pub confirm_below: f64,
}

impl Curvature<Tilted<'_>> for Coreset {
    fn needs_metric(&self) -> bool {
        false
    }

    fn step(&mut self, phi: &Tilted<'_>, point: &TiltedPoint, iteration: u32, run: &Run<'_>) -> Result<NewtonStep> {
        let (n, d) = (point.base.slack.len(), point.gradient.len());
        let gradient = point.base.factor.half_solve(&point.gradient);
        let mut size = coreset_size(n, d);
        loop {
            run.check()?;
            let sample = draw(&point.base.scores, size, self.seed, iteration as u64);
            if let Some((h, q)) = sampled_hessian(phi, point, &sample)? {
                let mut y = linalg::cholesky_solve(&h, &gradient);
                y.iter_mut().for_each(|v| *v = -*v);
                let mut decrement = norm(&linalg::solve_lower(&q, &gradient));
                if decrement <= self.confirm_below {
                    let k = phi.barrier.metric_factor(&point.base, run)?;
                    decrement = 3f64.sqrt() * norm(&linalg::solve_lower(&k, &gradient)); // K ≼ 3Q
                }
                let direction = point.base.factor.half_solve_transposed(&y);
                return Ok(NewtonStep { direction, decrement, hessian: None });
            }
            if size >= n {
                return Err(ErrorKind::Numerical {
                    reason: "the Hessian of all rows is not positive definite to rounding; use the solver cg".into(),
                }
                .into());
            }
            size = (2 * size).min(n); // too few rows for a positive definite sample
        }
    }
}

/// m ≈ 8 d ln d rows, at least 4d, at most n.
pub(super) fn coreset_size(n: usize, d: usize) -> usize {
    let d = d as f64;
    ((8.0 * d * d.ln()).max(4.0 * d + 8.0).ceil() as usize).min(n)
}

struct Sample {
    rows: Vec<usize>,
    /// ωᵢ = 1/pᵢ.
    weights: Vec<f64>,
}

/// Independent draws with probabilities pᵢ = min(1, τσᵢ), Σpᵢ = m.
fn draw(scores: &[f64], size: usize, seed: u64, stream: u64) -> Sample {
    let tau = water_level(scores, size);
    let mut uniform = vec![0.0; scores.len()];
    uniform_rows_into(seed, stream, 0, &mut uniform);
    let chosen = scores.iter().zip(&uniform).enumerate().map(|(i, (sigma, u))| (i, (tau * sigma).min(1.0), *u));
    let (rows, weights) = chosen.filter(|(_, p, u)| u < p).map(|(i, p, _)| (i, 1.0 / p)).unzip();
    Sample { rows, weights }
}

/// τ with Σ min(1, τσᵢ) = m, by sorting the scores once; infinite when m ≥ n.
fn water_level(scores: &[f64], size: usize) -> f64 {
    let n = scores.len();
    if size >= n {
        return f64::INFINITY;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let mut rest: f64 = sorted.iter().sum();
    for (full, sigma) in sorted.iter().enumerate() {
        // The `full` largest have p = 1; the others share m − full.
        let tau = (size as f64 - full as f64) / rest;
        if tau * sigma <= 1.0 {
            return tau;
        }
        rest -= sigma;
    }
    f64::INFINITY
}

/// Cholesky factors of H̄ = 3Q̄ − 2(T̄ + D̄), its generalised eigenvalues against Q̄ brought back to [1, 3], and of Q̄.
fn sampled_hessian(phi: &Tilted<'_>, point: &TiltedPoint, sample: &Sample) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
    let d = point.gradient.len();
    let m = sample.rows.len();
    if m < d {
        return Ok(None);
    }
    let n = point.base.slack.len() as f64;
    phi.barrier.charge(m as f64 * d as f64 / (6.0 * n) + (d * d) as f64 / (4.0 * n));
    let gathered = phi.barrier.source().gather(&sample.rows)?;
    let mut u = vec![0.0; m * d];
    linalg::scale_rows_into(&gathered, d, |k| point.base.inverse_slack[sample.rows[k]], &mut u);
    linalg::solve_lower_rows(point.base.factor.lower(), d, &mut u);
    let sigma: Vec<f64> = sample.rows.iter().map(|&i| point.base.scores[i]).collect();
    let gram = |weight: &dyn Fn(usize) -> f64| {
        let mut scaled = vec![0.0; m * d];
        linalg::scale_rows_into(&u, d, weight, &mut scaled);
        let mut g = vec![0.0; d * d];
        linalg::add_gram(&u, &scaled, d, &mut g);
        linalg::symmetrise(&mut g, d);
        g
    };
    let w = &sample.weights;
    let mut q = gram(&|k| w[k] * sigma[k]);
    // −2(T̄ + D̄) with T̄ = WᵀW − Σω²σ²uuᵀ and D̄ = Σωσ²uuᵀ.
    let diagonal = gram(&|k| -2.0 * sigma[k] * sigma[k] * (w[k] - w[k] * w[k]));
    let mut h: Vec<f64> = q.iter().zip(&diagonal).map(|(q, t)| 3.0 * q + t).collect();
    let mut slice = vec![0.0; d * d];
    for b in 0..d {
        slice.copy_from_slice(&gram(&|k| w[k] * u[k * d + b]));
        linalg::add_outer_product(&slice, &slice, d, -2.0, &mut h);
    }
    if !linalg::cholesky_in_place(&mut q, d) {
        return Ok(None);
    }
    linalg::whiten_symmetric(&q, d, &mut h);
    let Some((values, vectors)) = linalg::symmetric_eigen(&h, d) else { return Ok(None) };
    let mut clipped = vec![0.0; d * d];
    for k in 0..d {
        let root = values[k].clamp(1.0, 3.0).sqrt();
        (0..d).for_each(|i| clipped[i + k * d] = root * vectors[i + k * d]);
    }
    let mut back = vec![0.0; d * d]; // L_q (V Λ^½), whose outer square is the clipped H̄
    linalg::add_product(&q, &clipped, d, d, d, &mut back);
    let mut h = vec![0.0; d * d];
    linalg::add_outer_product(&back, &back, d, 1.0, &mut h);
    Ok(linalg::cholesky_in_place(&mut h, d).then_some((h, q)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn water_filling_reaches_the_wished_size() {
        let scores = [0.9, 0.8, 0.1, 0.1, 0.05, 0.05];
        for size in 1..6 {
            let tau = water_level(&scores, size);
            let sum: f64 = scores.iter().map(|s| (tau * s).min(1.0)).sum();
            assert!((sum - size as f64).abs() < 1e-12, "size {size}: {sum}");
        }
        assert!(water_level(&scores, 6).is_infinite());
    }

    #[test]
    fn a_draw_is_unbiased_over_seeds() {
        let scores: Vec<f64> = (0..200).map(|i| 0.001 + 0.01 * (i % 7) as f64).collect();
        let total: f64 = scores.iter().sum();
        let seeds = 400;
        let mean = (0..seeds)
            .map(|seed| {
                let s = draw(&scores, 40, seed, 1);
                s.rows.iter().zip(&s.weights).map(|(&i, w)| w * scores[i]).sum::<f64>()
            })
            .sum::<f64>()
            / seeds as f64;
        assert!((mean / total - 1.0).abs() < 0.02, "{mean} against {total}");
    }
}
