//! The structured attacker: x is taken for a ridge fit with an unknown penalty, one number instead of d.

use super::release::Released;
use crate::barrier::Barrier;
use crate::error::{ErrorKind, Result};
use crate::gram::{FactorMethod, weighted_gram};
use crate::leverage::{LeastSquares, constant_column};
use crate::linalg::{self, dot, norm};
use crate::rows::RowSource;
use crate::run::Run;

/// Ridge fits of the offset, x(λ) = (AᵀA + λW)⁻¹Aᵀb, for the W that people use; their releases along λ.
pub(super) struct RidgePath<'a> {
    source: &'a dyn RowSource,
    offset: &'a [f64],
    penalties: Vec<Penalty>,
    /// Releases along every path, those of one penalty together, λ increasing from 0.
    grid: Vec<Knot>,
}

/// x(λ) = KV(I + λD)⁻¹c with AᵀA = LLᵀ, K = L⁻ᵀ and L⁻¹WL⁻ᵀ = VDVᵀ.
struct Penalty {
    /// KV, column-major d×d.
    directions: Vec<f64>,
    eigenvalues: Vec<f64>,
    /// c = VᵀLᵀx₀ of the least-squares fit x₀.
    start: Vec<f64>,
}

/// The release at one λ.
struct Knot {
    penalty: usize,
    lambda: f64,
    scores: Vec<f64>,
    gradient: Vec<f64>,
}

/// What one try found.
pub(super) struct RidgeAnswer {
    pub x: Vec<f64>,
    /// The misfits on the way.
    pub residuals: Vec<f64>,
}

/// Values of λ along one path, at most, and numbers that all knots together may hold.
const KNOTS: usize = 160;
const MOST_NUMBERS: usize = 4_000_000;
const LEAST_KNOTS: usize = 20;
/// λD runs from this to one over it.
const LEAST_EFFECT: f64 = 1e-5;
/// An eigenvalue of W below this share of the largest is none: the column goes free.
const FREE: f64 = 1e-12;
/// Steps of a golden section, and of Gauss and Newton after it.
const SECTIONS: usize = 24;
const NEWTON_STEPS: usize = 6;
/// A step of the derivative in log λ.
const DIFFERENCE: f64 = 1e-4;
/// A misfit of exact numbers below this share says that x lies on the path.
const ON_THE_PATH: f64 = 1e-6;
/// Standard deviations that ‖noise‖² may exceed its mean, else the attacker gives the path up.
const DEVIATIONS: f64 = 5.0;

impl<'a> RidgePath<'a> {
    /// The paths of three penalties: on standardised columns and on plain ones with the constant column free, and on all.
    ///
    /// # Cost
    /// Three Gram matrices and up to 480 evaluations of the scores.
    /// # Errors
    /// Whatever the rows report.
    pub fn new(source: &'a dyn RowSource, offset: &'a [f64], fit: &LeastSquares, run: &Run<'_>) -> Result<Self> {
        let (n, d) = (source.shape().rows, source.shape().columns);
        let mut path = RidgePath { source, offset, penalties: Vec::new(), grid: Vec::new() };
        if fit.exact {
            return Ok(path);
        }
        let mut gram = weighted_gram(source, None, run)?;
        linalg::symmetrise(&mut gram, d);
        let first = source.gather(&[0])?;
        let constant = constant_column(source, run)?.map(|k| (k, first[k]));
        let mean_square = |j: usize| gram[j + j * d] / n as f64;
        let variance = |j: usize| match constant {
            Some((k, value)) => mean_square(j) - (gram[j + k * d] / (n as f64 * value)).powi(2),
            None => mean_square(j),
        };
        let free = |j: usize, w: f64| if constant.is_some_and(|(k, _)| k == j) { 0.0 } else { w };
        let mut weights: Vec<Vec<f64>> =
            vec![(0..d).map(|j| free(j, variance(j).max(0.0))).collect(), (0..d).map(|j| free(j, 1.0)).collect()];
        if constant.is_some() {
            weights.push(vec![1.0; d]);
        }
        for weight in weights {
            path.penalties.extend(Penalty::of(fit, &weight));
        }
        path.lay_knots(n, run)?;
        Ok(path)
    }

    fn lay_knots(&mut self, n: usize, run: &Run<'_>) -> Result<()> {
        let count = (MOST_NUMBERS / (n * self.penalties.len().max(1))).clamp(LEAST_KNOTS, KNOTS);
        for penalty in 0..self.penalties.len() {
            let (low, high) = self.penalties[penalty].range();
            let step = (high / low).ln() / (count - 1) as f64;
            let along = (0..count).map(|k| low * (step * k as f64).exp());
            for lambda in std::iter::once(0.0).chain(along) {
                if let Some((scores, gradient)) = self.release(&self.penalties[penalty].at(lambda), run)? {
                    self.grid.push(Knot { penalty, lambda, scores, gradient });
                }
            }
        }
        Ok(())
    }

    /// Scores and gradient at x; None on a facet.
    fn release(&self, x: &[f64], run: &Run<'_>) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
        let barrier = match Barrier::around(self.source, self.offset, x, run) {
            Err(e) if matches!(e.kind(), ErrorKind::ZeroSlack { .. } | ErrorKind::NotFinite { .. }) => return Ok(None),
            other => other?,
        };
        barrier.set_precision(FactorMethod::CholeskyQr2);
        Ok(barrier.at(x, false, run)?.map(|point| (point.scores, point.gradient)))
    }

    /// The x on a path whose release is nearest; None where no path has one that the errors explain.
    pub fn attack(&self, released: &Released, run: &Run<'_>) -> Result<Option<RidgeAnswer>> {
        let target = Target::of(released);
        let mut best: Vec<(f64, usize)> =
            self.grid.iter().enumerate().map(|(k, knot)| (target.misfit(&knot.scores, &knot.gradient), k)).collect();
        best.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut answer: Option<(f64, RidgeAnswer)> = None;
        let mut seen = Vec::new();
        for (misfit, k) in best {
            let penalty = self.grid[k].penalty;
            if seen.contains(&penalty) {
                continue;
            }
            seen.push(penalty);
            let found = self.refined(&target, k, misfit, run)?;
            if answer.as_ref().is_none_or(|(least, _)| found.0 < *least) {
                answer = Some(found);
            }
        }
        Ok(answer.filter(|(misfit, _)| target.explains(*misfit)).map(|(_, answer)| answer))
    }

    /// Between the neighbours of a knot: a golden section, then Gauss and Newton on the one unknown.
    fn refined(&self, target: &Target<'_>, k: usize, misfit: f64, run: &Run<'_>) -> Result<(f64, RidgeAnswer)> {
        let (penalty, here) = (self.grid[k].penalty, self.grid[k].lambda);
        let neighbour = |k: Option<usize>| {
            k.and_then(|k| self.grid.get(k)).filter(|knot| knot.penalty == penalty).map_or(here, |knot| knot.lambda)
        };
        let (mut low, mut high) = (neighbour(k.checked_sub(1)), neighbour(Some(k + 1)));
        let at = |lambda: f64| -> Result<f64> {
            let found = self.release(&self.penalties[penalty].at(lambda), run)?;
            Ok(found.map_or(f64::INFINITY, |(scores, gradient)| target.misfit(&scores, &gradient)))
        };
        let mut best = (misfit, here);
        let mut residuals = vec![misfit];
        let golden = 0.5 * (5f64.sqrt() - 1.0);
        // In log λ, but for the piece that begins at 0.
        let log = low > 0.0;
        let to = |v: f64| if log { v.ln() } else { v };
        let from = |v: f64| if log { v.exp() } else { v };
        (low, high) = (to(low), to(high));
        let mut inner = [high - golden * (high - low), low + golden * (high - low)];
        let mut values = [at(from(inner[0]))?, at(from(inner[1]))?];
        for _ in 0..SECTIONS {
            let left = values[0] < values[1];
            let side = usize::from(!left);
            if values[side] < best.0 {
                best = (values[side], from(inner[side]));
                residuals.push(best.0);
            }
            if left {
                high = inner[1];
                inner = [high - golden * (high - low), inner[0]];
                values = [at(from(inner[0]))?, values[0]];
            } else {
                low = inner[0];
                inner = [inner[1], low + golden * (high - low)];
                values = [values[1], at(from(inner[1]))?];
            }
        }
        for _ in 0..NEWTON_STEPS {
            let lambda = best.1;
            let of = |lambda: f64| self.release(&self.penalties[penalty].at(lambda), run);
            let (Some(here), Some(there)) = (of(lambda)?, of(lambda * (1.0 + DIFFERENCE))?) else { break };
            let (r, moved) = (target.residual(&here.0, &here.1), target.residual(&there.0, &there.1));
            let slope: Vec<f64> = moved.iter().zip(&r).map(|(a, b)| (a - b) / DIFFERENCE).collect();
            let step = -dot(&slope, &r) / dot(&slope, &slope);
            let next = lambda * (1.0 + step.clamp(-0.5, 1.0));
            let value = if next.is_finite() { at(next)? } else { f64::INFINITY };
            if value.is_nan() || value >= best.0 {
                break;
            }
            best = (value, next);
            residuals.push(value);
        }
        Ok((best.0, RidgeAnswer { x: self.penalties[penalty].at(best.1), residuals }))
    }
}

impl Penalty {
    fn of(fit: &LeastSquares, weight: &[f64]) -> Option<Penalty> {
        let d = weight.len();
        let lower = fit.factor.lower();
        let mut w = vec![0.0; d * d];
        weight.iter().enumerate().for_each(|(j, v)| w[j + j * d] = *v);
        linalg::whiten_symmetric(lower, d, &mut w);
        let (eigenvalues, vectors) = linalg::symmetric_eigen(&w, d)?;
        let seen = linalg::lower_transposed_times_vector(lower, &fit.x);
        let start = vectors.chunks_exact(d).map(|v| dot(v, &seen)).collect();
        let directions = vectors.chunks_exact(d).flat_map(|v| linalg::solve_lower_transposed(lower, v)).collect();
        let most = eigenvalues.iter().copied().fold(0.0, f64::max);
        let eigenvalues: Vec<f64> = eigenvalues.iter().map(|e| if *e > FREE * most { *e } else { 0.0 }).collect();
        (most > 0.0).then_some(Penalty { directions, eigenvalues, start })
    }

    fn at(&self, lambda: f64) -> Vec<f64> {
        let d = self.start.len();
        let mut x = vec![0.0; d];
        for ((direction, c), e) in self.directions.chunks_exact(d).zip(&self.start).zip(&self.eigenvalues) {
            let share = c / (1.0 + lambda * e);
            x.iter_mut().zip(direction).for_each(|(x, v)| *x += share * v);
        }
        x
    }

    /// The least and the largest λ that change anything and do not change all.
    fn range(&self) -> (f64, f64) {
        let most = self.eigenvalues.iter().copied().fold(0.0, f64::max);
        let least = self.eigenvalues.iter().copied().filter(|e| *e > 0.0).fold(most, f64::min);
        (LEAST_EFFECT / most, 1.0 / (LEAST_EFFECT * least))
    }
}

/// The released numbers, each over its error.
struct Target<'r> {
    released: &'r Released,
    /// One over the error of each number, scores first; all 1 where they are exact.
    weight: Vec<f64>,
    exact: bool,
}

impl<'r> Target<'r> {
    fn of(released: &'r Released) -> Self {
        let flat = 3f64.sqrt();
        let rounded = |half: &Option<Vec<f64>>| half.iter().flatten().map(|u| flat / u).collect::<Vec<f64>>();
        let count = released.scores.len() + released.gradient.len();
        let (mut weight, exact) = match (&released.half, released.noise > 0.0) {
            (Some(_), _) => {
                let all = [rounded(&released.half), rounded(&released.gradient_half)].concat();
                (all, false)
            }
            (None, true) => (vec![1.0 / released.noise; count], false),
            (None, false) => (vec![1.0; count], true),
        };
        // A number that was rounded to 0, or not at all, has no error of its own.
        weight.iter_mut().filter(|w| !w.is_finite()).for_each(|w| *w = 0.0);
        Target { released, weight, exact }
    }

    fn residual(&self, scores: &[f64], gradient: &[f64]) -> Vec<f64> {
        let of_row = |k: usize| self.released.rows.as_ref().map_or(k, |rows| rows[k]);
        let on_scores = self.released.scores.iter().enumerate().map(|(k, target)| scores[of_row(k)] - target);
        let on_gradient = self.released.gradient.iter().zip(gradient).map(|(target, value)| value - target);
        on_scores.chain(on_gradient).zip(&self.weight).map(|(r, w)| w * r).collect()
    }

    fn misfit(&self, scores: &[f64], gradient: &[f64]) -> f64 {
        norm(&self.residual(scores, gradient))
    }

    fn explains(&self, misfit: f64) -> bool {
        let count = self.weight.len() as f64;
        match self.exact {
            true => misfit <= ON_THE_PATH * norm(&self.released.numbers().collect::<Vec<_>>()),
            false => misfit <= (count + DEVIATIONS * (2.0 * count).sqrt()).sqrt(),
        }
    }
}
