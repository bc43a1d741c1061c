//! A number that stands for an inversion of hat values: it differs when anything in the problem does.

use super::options::{HatOptions, HatPrecision};
use crate::error::Result;
use crate::invert::fingerprint::Fingerprint;
use crate::rows::RowSource;

/// Everything the bits of the weights depend on. Not the limit of iterations: a longer run goes on from a shorter one.
///
/// # Errors
/// Those of reading the rows.
pub fn fingerprint_of_hat(rows: &dyn RowSource, target: &[f64], options: &HatOptions) -> Result<u64> {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text("hat");
    fingerprint.matrix(rows)?;
    fingerprint.numbers(target);
    fingerprint.numbers(&[options.ridge, options.tolerance]);
    let (word, numbers) = match &options.precision {
        HatPrecision::Exact => ("exact", vec![]),
        HatPrecision::Digits(k) => ("digits", vec![f64::from(*k)]),
        HatPrecision::Decimals(k) => ("decimals", vec![f64::from(*k)]),
        HatPrecision::Widths(widths) => ("widths", widths.clone()),
        HatPrecision::Noise(noise) => ("noise", noise.clone()),
    };
    fingerprint.text(word);
    fingerprint.numbers(&numbers);
    Ok(fingerprint.value())
}
