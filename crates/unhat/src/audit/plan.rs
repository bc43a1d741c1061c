//! What an audit is asked to do: the release, the protections, the wish, and how many tries.

use super::report::{Detail, Protection, ReleaseKind};
use crate::error::{Error, ErrorKind, Result};

/// What is audited and how. A protection that is None gets its default levels; an empty list leaves it out.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// What is released.
    pub release: ReleaseKind,
    /// The rows whose scores are released, 0-based; None: all.
    pub rows: Option<Vec<usize>>,
    /// Standard deviations of Gaussian noise, in the units of the release; the curve of noise levels is tried beside them.
    pub noise: Option<Vec<f64>>,
    /// Significant decimal digits to round to.
    pub digits: Option<Vec<u32>>,
    /// Quantiles of the absolute values at which to clip.
    pub clip: Option<Vec<f64>>,
    /// How many of the largest scores to release.
    pub top: Option<Vec<usize>>,
    /// The wish: an attack that gets closer than this share of ‖x‖ has succeeded.
    pub target_error: f64,
    /// Tries of every attack on every protection; at most twenty along the curve of noise levels.
    pub trials: u32,
    /// δ of (ε, δ).
    pub delta: f64,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Whether values of coefficients and numbers of rows are told.
    pub detail: Detail,
    /// What the findings call the table, its columns and its response; no number depends on it.
    pub labels: Labels,
}

/// Names and words that are passed on to the findings.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// The table's name.
    pub table: String,
    /// Its columns; empty: x1, x2, ….
    pub columns: Vec<String>,
    /// The response column.
    pub response: Option<String>,
    /// The command line, or the call.
    pub command: String,
    /// When, as RFC 3339 in UTC.
    pub created_utc: Option<String>,
}

impl Default for AuditOptions {
    fn default() -> Self {
        AuditOptions {
            release: ReleaseKind::Scores,
            rows: None,
            noise: None,
            digits: None,
            clip: None,
            top: None,
            target_error: 0.1,
            trials: 40,
            delta: 1e-6,
            seed: 0,
            detail: Detail::Owner,
            labels: Labels::default(),
        }
    }
}

/// Noise levels of the curve, in units of the release's rms: from where every attack sits on its bound to where the noise
/// drowns the release; closer where attacks begin to fail.
pub(super) const CURVE: &[f64] = &[1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 5e-1, 2.0];
/// Tries along the curve: the least that can show a 5 % point.
pub(super) const CURVE_TRIALS: u32 = 20;
/// Default digits of rounding.
const DIGITS: &[u32] = &[1, 2, 3, 4, 5, 6];
/// Default quantiles of clipping.
const QUANTILES: &[f64] = &[0.95, 0.99];
/// Default sizes of a top list.
const TOP: &[usize] = &[20, 100];
/// f64 holds this many significant digits.
const MOST_DIGITS: u32 = 17;
/// More tries than this tell nothing that fewer do not.
const MOST_TRIALS: u32 = 1_000_000;

/// One protection at one level, and how often it is tried.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub protection: Protection,
    pub trials: u32,
    /// Whether the owner named it, or it is a default beside noise.
    pub listed: bool,
}

impl AuditOptions {
    /// Checks every option that can be checked without the table.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] naming the option.
    pub(super) fn check(&self, rows: usize) -> Result<()> {
        for &noise in self.noise.iter().flatten() {
            require(noise > 0.0 && noise.is_finite(), "noise", || format!("found {noise}, expected a number above 0"))?;
        }
        for &digits in self.digits.iter().flatten() {
            require((1..=MOST_DIGITS).contains(&digits), "round", || {
                format!("found {digits}, expected 1 to {MOST_DIGITS} significant digits")
            })?;
        }
        for &quantile in self.clip.iter().flatten() {
            require(quantile > 0.0 && quantile < 1.0, "clip", || {
                format!("found {quantile}, expected a quantile between 0 and 1")
            })?;
        }
        let released = self.rows.as_ref().map_or(rows, Vec::len);
        for &k in self.top.iter().flatten() {
            require(k >= 1 && k <= released, "top", || {
                format!("found {k}, expected 1 to {released}, the number of released scores")
            })?;
        }
        if self.release == ReleaseKind::Gradient {
            let asked = self.top.as_ref().is_some_and(|top| !top.is_empty());
            require(!asked, "top", || "a gradient has no largest scores; leave it out".into())?;
            require(self.rows.is_none(), "rows", || "a gradient is of all rows; leave it out".into())?;
        }
        let (error, delta, trials) = (self.target_error, self.delta, self.trials);
        require(error > 0.0 && error.is_finite(), "target-error", || {
            format!("found {error}, expected a relative error above 0")
        })?;
        require(delta > 0.0 && delta < 1.0, "delta", || format!("found {delta}, expected a number between 0 and 1"))?;
        require((1..=MOST_TRIALS).contains(&trials), "trials", || {
            format!("found {trials}, expected 1 to {MOST_TRIALS}")
        })
    }

    /// The protection the owner plans: the first that was given, noise before the others.
    pub(super) fn planned(&self, rms: f64) -> Protection {
        let first = |protection: Option<Protection>, next: &dyn Fn() -> Option<Protection>| protection.or_else(next);
        let noise = self.noise.as_ref().and_then(|v| v.first()).map(|&noise| gaussian(noise, rms));
        let digits = || self.digits.as_ref().and_then(|v| v.first()).map(|&digits| Protection::Rounding { digits });
        let clip = || self.clip.as_ref().and_then(|v| v.first()).map(|&quantile| Protection::Clip { quantile });
        let top = || self.top.as_ref().and_then(|v| v.first()).map(|&k| Protection::TopK { k: k as u32 });
        first(first(first(noise, &digits), &clip), &top).unwrap_or(Protection::None)
    }

    /// Everything that is tried on one kind of release of `count` scores: as computed, the noise, the rest.
    pub(super) fn levels(&self, kind: ReleaseKind, count: usize, rms: f64) -> Vec<Level> {
        let mut levels = Vec::new();
        let mut add = |protection, trials, listed| levels.push(Level { protection, trials, listed });
        add(Protection::None, self.trials, true);
        let given = self.noise.as_deref().unwrap_or_default();
        given.iter().for_each(|&noise| add(gaussian(noise, rms), self.trials, true));
        for share in CURVE {
            let noise = share * rms;
            if !given.contains(&noise) {
                add(gaussian(noise, rms), self.trials.min(CURVE_TRIALS), false);
            }
        }
        let digits = self.digits.as_deref().unwrap_or(DIGITS);
        digits.iter().for_each(|&digits| add(Protection::Rounding { digits }, self.trials, true));
        let quantiles = self.clip.as_deref().unwrap_or(QUANTILES);
        quantiles.iter().for_each(|&quantile| add(Protection::Clip { quantile }, self.trials, true));
        if kind != ReleaseKind::Gradient {
            let top = self.top.as_deref().unwrap_or(TOP).iter().filter(|&&k| self.top.is_some() || k < count);
            top.for_each(|&k| add(Protection::TopK { k: k as u32 }, self.trials, true));
        }
        levels
    }
}

/// Noise in both units.
pub(super) fn gaussian(noise: f64, rms: f64) -> Protection {
    Protection::Gaussian { noise_rel: noise / rms, noise_abs: noise }
}

/// An error about an option unless `met`.
pub(super) fn require(met: bool, option: &str, reason: impl FnOnce() -> String) -> Result<()> {
    if met { Ok(()) } else { Err(Error::from(ErrorKind::Option { name: option.into(), reason: reason() })) }
}
