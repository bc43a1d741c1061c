//! The natural-gradient step as a weighted sum of per-sample gradients: one Cholesky of an n×n kernel for the weights.
//!
//! (λI + GᵀWG/n)⁻¹ GᵀW1/n = Gᵀc,  c = W^½(W^½KW^½ + M·I)⁻¹W^½1,  M = nλ,  K = GGᵀ
//!
//! The equivalent (1 − (M·I + K)⁻¹K1)/M cancels: at λ = 10⁻⁶ in single precision it loses all but one digit.

use crate::models::{Factors, LayerFactors};
use unhat::kernels;
use unhat::{ErrorKind, Result};

/// How the kernel is damped.
///
/// # Examples
/// ```
/// use unhat_models::natural::Damping;
/// let kernel = [4.0, 1.0, 1.0, 2.0]; // of two samples
/// assert_eq!(Damping::Absolute(0.5).of(&kernel, 2), 1.0); // nλ
/// assert_eq!(Damping::Relative(0.5).of(&kernel, 2), 1.5); // α·tr(K)/n
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Damping {
    /// By λ, in the units of the Fisher matrix GᵀG/n: M = nλ.
    Absolute(f64),
    /// By α, M = α·tr(K)/n, so that λ follows the size of the gradients.
    Relative(f64),
}

impl Damping {
    /// M for a kernel of n samples.
    pub fn of(self, kernel: &[f64], n: usize) -> f64 {
        match self {
            Damping::Absolute(lambda) => n as f64 * lambda,
            Damping::Relative(alpha) => alpha * (0..n).map(|i| kernel[i * (n + 1)]).sum::<f64>() / n as f64,
        }
    }
}

/// K of the whole network: the sum over its layers.
pub fn network_kernel(factors: &Factors<'_>) -> Vec<f64> {
    let mut kernels = factors.layers.iter().map(LayerFactors::kernel);
    let mut sum = kernels.next().unwrap_or_default();
    for kernel in kernels {
        sum.iter_mut().zip(&kernel).for_each(|(s, k)| *s += k);
    }
    sum
}

/// c of the n samples of a batch.
///
/// # Shapes
/// `kernel`: full n×n; `weights`: n values ≥ 0, None: all 1.
/// # Cost
/// n³/3 flops.
/// # Errors
/// [`ErrorKind::Option`] for a damping that is not positive; [`ErrorKind::Numerical`] where the damped kernel is not
/// positive definite to rounding, or not finite.
/// # References
/// OuZhuHuangLiu2024.
pub fn natural_coefficients(kernel: &[f64], damping: Damping, weights: Option<&[f64]>) -> Result<Vec<f64>> {
    let n = kernel.len().isqrt();
    let m = damping.of(kernel, n);
    if !m.is_finite() {
        return Err(ErrorKind::Numerical { reason: "the gradients of the batch are not finite".into() }.into());
    }
    if m <= 0.0 {
        if matches!(damping, Damping::Relative(alpha) if alpha > 0.0) {
            return Ok(vec![0.0; n]); // every gradient of the batch is zero, and so is the step
        }
        let reason = format!("found {damping:?}, expected a positive number");
        return Err(ErrorKind::Option { name: "damping".into(), reason }.into());
    }
    let root = |i: usize| weights.map_or(1.0, |w| w[i].sqrt());
    let mut system: Vec<f64> = (0..n * n).map(|e| root(e % n) * kernel[e] * root(e / n)).collect();
    (0..n).for_each(|i| system[i * (n + 1)] += m);
    if !kernels::cholesky_in_place(&mut system, n) {
        let reason = format!("the kernel of a batch of {n} samples is not positive definite at damping {m:e}");
        return Err(ErrorKind::Numerical { reason }.into());
    }
    let ones: Vec<f64> = (0..n).map(root).collect();
    Ok(kernels::cholesky_solve(&system, &ones).iter().enumerate().map(|(i, c)| root(i) * c).collect())
}
