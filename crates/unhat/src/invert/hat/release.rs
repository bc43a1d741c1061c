//! Released scores, checked: the ends between which each true score lies, and the standard deviation that stands for them.

use super::options::HatPrecision;
use super::repeats::repeats;
use crate::error::{ErrorKind, Result};
use crate::rows::{RowSource, require_vector};
use crate::run::Run;

/// Scores of all rows as they were released.
pub(crate) struct HatRelease {
    /// h, n values, as given.
    pub given: Vec<f64>,
    /// Half the width of the interval of the true score; None for noise, which has no ends.
    pub half: Option<Vec<f64>>,
    /// Standard deviations; 0 for exact scores.
    pub deviation: Vec<f64>,
    /// Rows that say something of their own: equal ones count once.
    pub different: f64,
    /// Whether the scores are exact to rounding.
    pub exact: bool,
}

/// Floating-point programs leave [0, 1] by this much at most.
const ROUNDING_EXCESS: f64 = 1e-9;
/// Noise may carry a score this many standard deviations outside [0, 1]: one chance in 10⁹ a row.
const NOISE_DEVIATIONS: f64 = 6.0;

impl HatRelease {
    /// The same for the rows of a source: rounding that equal rows share counts once.
    ///
    /// # Errors
    /// Those of [`HatRelease::new`].
    pub fn of(source: &dyn RowSource, target: &[f64], precision: &HatPrecision, run: &Run<'_>) -> Result<HatRelease> {
        let mut release = HatRelease::new(target, precision, source.shape().rows)?;
        if release.half.is_some() && !release.exact {
            let times = repeats(source, target, run)?;
            release.different = times.iter().map(|times| 1.0 / times).sum();
            release.deviation.iter_mut().zip(&times).for_each(|(s, times)| *s *= times.sqrt());
        }
        Ok(release)
    }

    /// Checks `target` for `n` rows.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`], [`ErrorKind::NotFinite`], and [`ErrorKind::Option`] naming the row of a score that no rounding
    /// and no noise explains, or of a width that is none.
    pub fn new(target: &[f64], precision: &HatPrecision, n: usize) -> Result<HatRelease> {
        require_vector("target", target, n)?;
        let (half, deviation) = errors_of(target, precision)?;
        let allowed =
            |i: usize| ROUNDING_EXCESS + half.as_ref().map_or(NOISE_DEVIATIONS * deviation[i], |half| 2.0 * half[i]);
        if let Some(i) = (0..n).find(|&i| target[i] < -allowed(i) || target[i] > 1.0 + allowed(i)) {
            let reason = format!("row {}: found {}, expected a leverage score between 0 and 1", i + 1, target[i]);
            return Err(ErrorKind::Option { name: "target".into(), reason }.into());
        }
        let exact = deviation.iter().all(|s| *s == 0.0);
        Ok(HatRelease { given: target.to_vec(), half, deviation, different: n as f64, exact })
    }
}

/// Half a width for each score, None for noise, which has no ends; and the standard deviation that stands for it.
///
/// # Errors
/// [`ErrorKind::Shape`], [`ErrorKind::NotFinite`], [`ErrorKind::Option`] for widths and noise that are none.
pub(crate) fn errors_of(target: &[f64], precision: &HatPrecision) -> Result<(Option<Vec<f64>>, Vec<f64>)> {
    let n = target.len();
    let flat = 1.0 / 3f64.sqrt(); // of a uniform error, in halves of its width
    let spread = |half: Vec<f64>| (Some(half.clone()), half.iter().map(|u| flat * u).collect::<Vec<_>>());
    Ok(match precision {
        HatPrecision::Exact => (Some(vec![0.0; n]), vec![0.0; n]),
        HatPrecision::Digits(k) => spread(target.iter().map(|h| half_unit(*h, *k)).collect()),
        HatPrecision::Decimals(k) => spread(vec![0.5 * 10f64.powi(-(*k as i32)); n]),
        HatPrecision::Widths(widths) => spread(one_a_row("widths", widths, n)?),
        HatPrecision::Noise(noise) => (None, one_a_row("noise", noise, n)?),
    })
}

/// Half a unit of the k-th significant digit of h; that of nothing for 0, which is exact.
pub(super) fn half_unit(h: f64, digits: u32) -> f64 {
    if h == 0.0 {
        return 0.0;
    }
    // A number that was rounded up to a power of ten has the unit of its own first digit.
    let exponent = (h.abs().log10() + 1e-9).floor() as i32;
    0.5 * 10f64.powi(exponent + 1 - digits as i32)
}

/// One number for every row, of one for all or of n.
fn one_a_row(name: &str, values: &[f64], n: usize) -> Result<Vec<f64>> {
    let all = if values.len() == 1 { vec![values[0]; n] } else { values.to_vec() };
    require_vector(name, &all, n)?;
    match all.iter().position(|v| *v < 0.0) {
        None => Ok(all),
        Some(i) => {
            let reason = format!("row {}: found {}, expected a number ≥ 0", i + 1, all[i]);
            Err(ErrorKind::Option { name: name.into(), reason }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_a_digit_follows_the_number() {
        for (h, k, expected) in [(0.0123, 3, 5e-5), (0.123, 3, 5e-4), (1.0, 3, 5e-3), (0.1, 1, 0.05), (0.0, 3, 0.0)] {
            assert!((half_unit(h, k) - expected).abs() <= 1e-12 * expected, "{h} {k}");
        }
    }

    #[test]
    fn scores_out_of_range_are_refused_with_their_row() {
        let refused = |target: &[f64], precision| {
            HatRelease::new(target, &precision, target.len()).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert!(refused(&[0.5, 1.2], HatPrecision::Exact).contains("row 2: found 1.2"));
        assert!(refused(&[-0.1, 0.5], HatPrecision::Digits(3)).contains("row 1: found -0.1"));
        assert!(refused(&[-0.1, 0.5], HatPrecision::Noise(vec![0.05])).is_empty());
        assert!(refused(&[0.1, 0.5], HatPrecision::Widths(vec![0.1, -0.1])).contains("row 2"));
        assert!(refused(&[0.1, f64::NAN], HatPrecision::Exact).contains("row 2"));
    }
}
