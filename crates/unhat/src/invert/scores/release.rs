//! What was released: scores of all rows or of some, checked, and spread over all rows with weights 1 and 0.

use crate::error::{ErrorKind, Result};
use crate::rows::require_vector;

/// Scores of some rows, as vectors over all n rows.
#[derive(Clone, Debug)]
pub(super) struct Release {
    /// The released rows, increasing.
    pub rows: Vec<usize>,
    /// σ̂ (n), 0 on rows that were not released.
    pub target: Vec<f64>,
    /// 1 on released rows, 0 elsewhere (n).
    pub weight: Vec<f64>,
    /// ν of the release; 0 when it is taken as exact.
    pub noise: f64,
}

/// Noise may carry a score this many standard deviations outside [0, 1]: one chance in 10⁹ a row.
const NOISE_DEVIATIONS: f64 = 6.0;
/// Scores of floating-point programs leave [0, 1] by this much at most.
const ROUNDING_EXCESS: f64 = 1e-8;

impl Release {
    /// Checks and spreads a release over `n` rows; `rows` are 0-based, None: all.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`], [`ErrorKind::NotFinite`]; [`ErrorKind::Option`] for rows out of range or named twice, scores
    /// outside [0, 1] by more than the noise explains, and a noise that is no number ≥ 0.
    pub fn new(target: &[f64], rows: Option<&[usize]>, noise: Option<f64>, n: usize) -> Result<Release> {
        let noise = noise.unwrap_or(0.0);
        if !(noise >= 0.0 && noise.is_finite()) {
            return Err(option("noise", format!("found {noise}, expected a finite number ≥ 0")));
        }
        require_vector("target scores", target, rows.map_or(n, <[usize]>::len))?;
        let excess = ROUNDING_EXCESS + NOISE_DEVIATIONS * noise;
        if let Some(k) = target.iter().position(|&s| s < -excess || s > 1.0 + excess) {
            let row = rows.map_or(k, |r| r[k]) + 1;
            return Err(option(
                "target scores",
                format!("row {row}: found {}, expected a leverage score between 0 and 1", target[k]),
            ));
        }
        let order: Vec<usize> = rows.map_or_else(|| (0..n).collect(), <[usize]>::to_vec);
        if order.is_empty() {
            return Err(option("rows", "found none, expected at least one released row".into()));
        }
        let mut release = Release { rows: order.clone(), target: vec![0.0; n], weight: vec![0.0; n], noise };
        for (&row, &score) in order.iter().zip(target) {
            if row >= n {
                return Err(option("rows", format!("found row {}, expected one of 1 to {n}", row + 1)));
            }
            if release.weight[row] != 0.0 {
                return Err(option("rows", format!("row {} is named twice", row + 1)));
            }
            release.weight[row] = 1.0;
            release.target[row] = score;
        }
        release.rows.sort_unstable();
        Ok(release)
    }

    /// σ − σ̂ on released rows, 0 elsewhere.
    pub fn residual(&self, scores: &[f64]) -> Vec<f64> {
        scores.iter().zip(&self.target).zip(&self.weight).map(|((s, t), w)| w * (s - t)).collect()
    }

    /// ‖σ̂‖₂.
    pub fn size(&self) -> f64 {
        crate::linalg::norm(&self.target)
    }
}

pub(super) fn option(name: &str, reason: String) -> crate::Error {
    ErrorKind::Option { name: name.into(), reason }.into()
}
