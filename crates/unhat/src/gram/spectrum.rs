//! Bounds of extreme eigenvalues: an estimate by power iteration, and a shifted Cholesky factorisation that confirms it.

use super::pattern::Pattern;
use super::sparse::ldlt;
use crate::linalg;

/// A symmetric matrix, dense (lower triangle) or on the slots of a pattern.
pub(super) enum Symmetric<'a> {
    Dense(&'a [f64], usize),
    Sparse(&'a Pattern, &'a [f64]),
}

/// Steps of a power iteration from a fixed start: enough for a decision, and for a guess that a factorisation confirms.
const STEPS: usize = 12;

impl Symmetric<'_> {
    /// Upper bound of ‖B⁻¹‖₂, for an estimate of it that may be too small; None where rounding leaves no proof.
    ///
    /// If B − μI is factored in floating point, then λ_min(B) ≥ μ − (d + 2)ε·trace(B) to first order.
    /// # References
    /// Rump2006.
    pub fn inverse_norm_bound(&self, estimate: f64) -> Option<f64> {
        let rounding = self.rounding();
        // An estimate of power iteration is rarely off by more than the first share.
        [0.8, 0.4, 0.1].iter().map(|share| share / estimate).find_map(|mu| {
            let proven = mu > 2.0 * rounding && self.is_definite(1.0, -mu);
            proven.then(|| 1.0 / (mu - rounding))
        })
    }

    /// Upper bound of ‖B‖₂ for a positive definite B, for an estimate of it that may be too small.
    pub fn norm_bound(&self, estimate: f64) -> f64 {
        let confirmed = [1.25, 2.5, 5.0].iter().map(|more| more * estimate).find(|&t| self.is_definite(-1.0, t));
        confirmed.map_or(self.trace(), |t| (t + self.rounding()).min(self.trace()))
    }

    /// Whether scale·B + shift·I can be factored.
    fn is_definite(&self, scale: f64, shift: f64) -> bool {
        match self {
            Symmetric::Dense(b, d) => {
                let mut shifted: Vec<f64> = b.iter().map(|v| scale * v).collect();
                (0..*d).for_each(|i| shifted[i + i * d] += shift);
                linalg::cholesky_in_place(&mut shifted, *d)
            }
            Symmetric::Sparse(pattern, b) => {
                let mut shifted: Vec<f64> = b.iter().map(|v| scale * v).collect();
                (0..pattern.dim()).for_each(|k| shifted[pattern.starts[k]] += shift);
                ldlt(pattern, &shifted).is_some()
            }
        }
    }

    fn trace(&self) -> f64 {
        match self {
            Symmetric::Dense(b, d) => (0..*d).map(|i| b[i + i * d]).sum(),
            Symmetric::Sparse(pattern, b) => (0..pattern.dim()).map(|k| b[pattern.starts[k]]).sum(),
        }
    }

    /// Twice the backward error of a factorisation: the second time for forming B.
    fn rounding(&self) -> f64 {
        let longest = match self {
            Symmetric::Dense(_, d) => *d,
            Symmetric::Sparse(pattern, _) => pattern.longest_row(),
        };
        2.0 * (longest as f64 + 2.0) * f64::EPSILON * self.trace()
    }
}

/// The growth of a vector in a step of `advance`, after twelve steps or when it has settled: a lower estimate of a largest
/// eigenvalue.
pub(super) fn power_growth(d: usize, advance: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
    power_growth_in(STEPS, d, advance)
}

/// As [`power_growth`], in at most so many steps.
pub(super) fn power_growth_in(steps: usize, d: usize, advance: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
    const SETTLED: f64 = 1e-3;
    // A start that no small matrix is built around: multiples of the golden section, modulo 1.
    let mut v: Vec<f64> = (0..d).map(|i| 0.5 + (0.618_033_988_749_895 * i as f64).fract()).collect();
    let (mut growth, mut size) = (0.0, linalg::norm(&v));
    for _ in 0..steps {
        v.iter_mut().for_each(|a| *a /= size);
        v = advance(&v);
        size = linalg::norm(&v);
        if !size.is_finite() {
            return f64::INFINITY;
        }
        if size - growth <= SETTLED * growth {
            return size.max(growth);
        }
        growth = size;
    }
    growth
}
