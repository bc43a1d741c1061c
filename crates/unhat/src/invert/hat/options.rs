//! How weights are recovered from scores, and how exactly the scores are known.

use crate::error::{ErrorKind, Result};

/// How exactly released scores are known.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum HatPrecision {
    /// To the rounding of numbers.
    #[default]
    Exact,
    /// Rounded to this many significant digits.
    Digits(u32),
    /// Rounded to this many decimals.
    Decimals(u32),
    /// The true score of each row lies within this much of the released one: one number for all rows, or n.
    Widths(Vec<f64>),
    /// Independent errors of these standard deviations: one number for all rows, or n.
    Noise(Vec<f64>),
}

/// How weights are recovered.
#[derive(Clone, Debug)]
pub struct HatOptions {
    /// λ ≥ 0 of ridge scores wᵢaᵢᵀ(AᵀWA + λI)⁻¹aᵢ.
    pub ridge: f64,
    /// How exactly the scores are known.
    pub precision: HatPrecision,
    /// Stop when no |σᵢ − hᵢ| exceeds this share of hᵢ(1 − hᵢ).
    pub tolerance: f64,
    /// Steps allowed.
    pub max_iterations: u32,
}

impl Default for HatOptions {
    fn default() -> Self {
        HatOptions { ridge: 0.0, precision: HatPrecision::Exact, tolerance: 1e-12, max_iterations: 2000 }
    }
}

/// Digits of a double: more are not to be told from exact ones.
const MOST_DIGITS: u32 = 17;

impl HatOptions {
    /// An error for values that cannot be used.
    pub(super) fn check(&self) -> Result<()> {
        let refused = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return refused("ridge", format!("found {}, expected a finite number ≥ 0", self.ridge));
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return refused("tol", format!("found {}, expected a number between 0 and 1", self.tolerance));
        }
        match self.precision {
            HatPrecision::Digits(k) if k == 0 || k > MOST_DIGITS => {
                refused("digits", format!("found {k}, expected 1 to {MOST_DIGITS}"))
            }
            HatPrecision::Decimals(k) if k == 0 || k > MOST_DIGITS => {
                refused("decimals", format!("found {k}, expected 1 to {MOST_DIGITS}"))
            }
            _ => Ok(()),
        }
    }
}
