//! Rounded scores say between which ends each true score lies: the mean of all x near a fit whose scores lie there.

use super::fit::{FitPoint, Region, ScoreFit};
use crate::error::{ErrorKind, Result};
use crate::feasible::interior_point;
use crate::linalg::{self, dot};
use crate::normal;
use crate::random::uniform_rows_into;
use crate::rows::DenseRows;
use crate::run::Run;

/// The set is a polytope once the scores are made linear at a point; this often the point moves to a better one.
const LINEARISED: usize = 3;
/// Entries of the Jacobian beyond which nothing is averaged: a step costs four flops for each.
const MOST_ENTRIES: usize = 200_000;
/// Steps of a walk through the polytope for each dimension, and the share of them that is forgotten.
const STEPS: usize = 500;
const FORGOTTEN: usize = 20;
/// Ends are this much further apart: what linearising and rounding lose.
const WIDER: f64 = 1.0 + 1e-4;
/// Streams of the draws, apart from others under one seed.
const DIRECTIONS: u64 = 0x5168_0000;
const LENGTHS: u64 = 0x5169_0000;

/// The mean of {x : |σ(x) − σ̂| ≤ half widths} near x, by a walk (hit and run) through its linearisation; None where there are
/// no ends, where the set is empty, or where there are too many rows.
///
/// With errors that are uniform between their ends it is the mean of what is left: no estimate has a smaller square error.
///
/// # Cost
/// d products with J three times, and 500 d steps of 4nd flops.
/// # Randomness
/// Keyed by the seed.
/// # References
/// Smith1984.
pub(super) fn interval_mean(fit: &ScoreFit<'_>, x: &[f64], seed: u64, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
    let Some(half) = &fit.release.half else { return Ok(None) };
    if fit.release.rows.len() * x.len() > MOST_ENTRIES {
        return Ok(None);
    }
    let mut x = x.to_vec();
    let mut mean = None;
    for round in 0..LINEARISED {
        let Some(at) = fit.at(&x, &Region::Anywhere, run)? else { return Ok(mean) };
        let Some(polytope) = Polytope::at(fit, &at, half, run)? else { return Ok(mean) };
        let Some(inside) = polytope.point(run)? else { return Ok(mean) };
        let last = round + 1 == LINEARISED;
        let z = if last { polytope.mean(&inside, seed, run)? } else { inside };
        x.iter_mut().zip(polytope.step(&z)).for_each(|(x, h)| *x += h);
        if last {
            mean = Some(x.clone());
        }
    }
    Ok(mean)
}

/// {z : low ≤ Bz ≤ high}, B = diag(1/half)JK with orthonormal columns, and x moves by Kz.
struct Polytope {
    rows: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    /// L with (JᵀJ) = LLᵀ of the scaled rows; K = L⁻ᵀ.
    lower: Vec<f64>,
    dim: usize,
}

impl Polytope {
    fn at(fit: &ScoreFit<'_>, at: &FitPoint<'_>, half: &[f64], run: &Run<'_>) -> Result<Option<Polytope>> {
        let d = at.point.x.len();
        let rows: Vec<usize> = fit.release.rows.iter().copied().filter(|&i| half[i] > 0.0).collect();
        let mut values = vec![0.0; rows.len() * d];
        for j in 0..d {
            let mut unit = vec![0.0; d];
            unit[j] = 1.0;
            let change = at.barrier.score_jacobian_vec(&at.point, &unit, run)?;
            rows.iter().enumerate().for_each(|(k, &i)| values[k * d + j] = change[i] / half[i]);
        }
        if rows.len() < d {
            return Ok(None);
        }
        let lower = linalg::triangular_factor(&values, d);
        if (0..d).any(|j| !(lower[j + j * d] > 0.0 && lower[j + j * d].is_finite())) {
            return Ok(None);
        }
        linalg::solve_lower_rows(&lower, d, &mut values);
        let off: Vec<f64> = rows.iter().map(|&i| -at.residual[i] / half[i]).collect();
        Ok(Some(Polytope {
            rows: values,
            low: off.iter().map(|r| r - WIDER).collect(),
            high: off.iter().map(|r| r + WIDER).collect(),
            lower,
            dim: d,
        }))
    }

    /// Kz.
    fn step(&self, z: &[f64]) -> Vec<f64> {
        linalg::solve_lower_transposed(&self.lower, z)
    }

    /// A point inside: 0 where it is, else what a linear programme finds.
    fn point(&self, run: &Run<'_>) -> Result<Option<Vec<f64>>> {
        if self.low.iter().all(|l| *l < 0.0) && self.high.iter().all(|h| *h > 0.0) {
            return Ok(Some(vec![0.0; self.dim]));
        }
        let both: Vec<f64> = self.rows.iter().chain(&self.rows).copied().collect();
        let ends: Vec<f64> = self.low.iter().chain(&self.high).copied().collect();
        let sides: Vec<bool> = (0..ends.len()).map(|k| k < self.low.len()).collect();
        match interior_point(&DenseRows::new(&both, self.dim)?, &ends, &sides, run) {
            Ok((z, _)) => Ok(Some(z)),
            Err(e) if e.is_interrupted() => Err(e),
            Err(e) if matches!(e.kind(), ErrorKind::Shape { .. }) => Err(e),
            Err(_) => Ok(None), // empty, or not to be decided: the fit stays as it is
        }
    }

    /// The mean of a walk from a point inside: along a drawn direction to a drawn point of the chord.
    fn mean(&self, inside: &[f64], seed: u64, run: &Run<'_>) -> Result<Vec<f64>> {
        let d = self.dim;
        let steps = STEPS * d;
        let (mut directions, mut shares) = (vec![0.0; steps * d], vec![0.0; steps]);
        normal::draw_into(seed, DIRECTIONS, &mut directions);
        uniform_rows_into(seed, LENGTHS, 0, &mut shares);
        let mut z = inside.to_vec();
        let mut values: Vec<f64> = self.rows.chunks_exact(d).map(|row| dot(row, &z)).collect();
        let mut sum = vec![0.0; d];
        let forgotten = steps / FORGOTTEN;
        let mut along = vec![0.0; values.len()];
        for (k, (direction, share)) in directions.chunks_exact(d).zip(&shares).enumerate() {
            if k % 256 == 0 {
                run.check()?;
            }
            linalg::rows_times_vector(&self.rows, d, direction, &mut along);
            let (mut back, mut forth) = (f64::NEG_INFINITY, f64::INFINITY);
            for (i, slope) in along.iter().enumerate() {
                let (low, high) = ((self.low[i] - values[i]) / slope, (self.high[i] - values[i]) / slope);
                back = back.max(low.min(high));
                forth = forth.min(low.max(high));
            }
            if back.is_finite() && forth.is_finite() && back < forth {
                let length = back + share * (forth - back);
                z.iter_mut().zip(direction).for_each(|(z, v)| *z += length * v);
                values.iter_mut().zip(&along).for_each(|(v, a)| *v += length * a);
            }
            if k >= forgotten {
                sum.iter_mut().zip(&z).for_each(|(s, z)| *s += z);
            }
        }
        let count = (steps - forgotten) as f64;
        Ok(sum.iter().map(|s| s / count).collect())
    }
}
