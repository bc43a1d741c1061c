//! A number that stands for a problem: it differs, for all practical purposes, when anything in the problem does.

use super::{CurvatureMethod, InvertOptions, RegularisedOptions, Start};
use crate::barrier::Side;
use crate::error::Result;
use crate::rows::{Block, RowSource, each_block};
use crate::run::Run;

/// Adds up words into 64 bits. It tells problems apart that differ by accident; it is no protection against intent.
pub(crate) struct Fingerprint(u64);

/// An odd number with its bits spread evenly: 2⁶⁴ divided by the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The order of additions that bits come from: work that was begun in another order is not gone on with.
const ORDER: u64 = 2;

impl Fingerprint {
    pub fn new() -> Self {
        Fingerprint(SPREAD)
    }

    pub fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    }

    pub fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        text.bytes().for_each(|b| self.word(b.into()));
    }

    pub fn numbers(&mut self, values: &[f64]) {
        self.word(values.len() as u64);
        values.iter().for_each(|v| self.word(v.to_bits()));
    }

    /// A vector that may be missing, which is not the same as an empty one.
    pub fn optional(&mut self, values: Option<&[f64]>) {
        self.word(values.is_some().into());
        self.numbers(values.unwrap_or_default());
    }

    /// The shape and every entry of a matrix, and the order in which its rows are added up.
    pub fn matrix(&mut self, source: &dyn RowSource) -> Result<()> {
        self.word(ORDER);
        let shape = source.shape();
        [shape.rows, shape.columns, shape.stored].into_iter().for_each(|size| self.word(size as u64));
        each_block(source, &Run::default(), &mut |rows| {
            match rows.block {
                Block::Dense(block) => self.numbers(block.values),
                Block::Csr(block) => (0..block.rows()).for_each(|i| {
                    let (indices, values) = block.row(i);
                    indices.iter().for_each(|&j| self.word(j.into()));
                    self.numbers(values);
                }),
            }
            Ok(())
        })
    }

    pub fn value(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Everything the bits of the x with g(x) = c depend on. Not the limit of iterations: a longer run goes on from a shorter
/// one.
///
/// # Errors
/// Those of reading the rows.
pub fn fingerprint_of_inversion(
    rows: &dyn RowSource,
    offset: &[f64],
    target: &[f64],
    start: &Start<'_>,
    options: &InvertOptions,
) -> Result<u64> {
    let mut fingerprint = Fingerprint::new();
    fingerprint.matrix(rows)?;
    fingerprint.numbers(offset);
    fingerprint.numbers(target);
    fingerprint.optional(start.point);
    fingerprint.optional(start.signs);
    fingerprint.word(matches!(start.side, Some(Side::Below)).into());
    fingerprint.text(options.solver.name());
    fingerprint.text(options.scores.name());
    fingerprint.word(options.tolerance.to_bits());
    fingerprint.word(options.seed);
    Ok(fingerprint.value())
}

/// Everything the bits of the minima beside a regulariser depend on.
///
/// # Errors
/// Those of reading the rows.
pub fn fingerprint_of_regularised(
    rows: &dyn RowSource,
    (offset, target, weights): (&[f64], &[f64], &[f64]),
    start: &Start<'_>,
    options: &RegularisedOptions,
) -> Result<u64> {
    let mut fingerprint = Fingerprint::new();
    fingerprint.text("beside a regulariser");
    fingerprint.matrix(rows)?;
    [offset, target, weights].into_iter().for_each(|values| fingerprint.numbers(values));
    fingerprint.optional(start.point);
    fingerprint.optional(start.signs);
    fingerprint.word(matches!(start.side, Some(Side::Below)).into());
    fingerprint.text(options.curvature.map_or("auto", CurvatureMethod::name));
    fingerprint.text(options.minima.name());
    [options.tolerance, options.search_flops].into_iter().for_each(|v| fingerprint.word(v.to_bits()));
    let RegularisedOptions { max_iterations, seed, prove, max_boxes, random_starts, stop_when_unique, .. } = options;
    let counts = [u64::from(*max_iterations), *seed, u64::from(*prove), *max_boxes, u64::from(*stop_when_unique)];
    counts.into_iter().for_each(|word| fingerprint.word(word));
    fingerprint.word(random_starts.map_or(u64::MAX, u64::from));
    Ok(fingerprint.value())
}

/// The fingerprint of bytes alone.
pub(crate) fn fingerprint_of_bytes(bytes: &[u8]) -> u64 {
    let mut fingerprint = Fingerprint::new();
    bytes.iter().for_each(|&b| fingerprint.word(b.into()));
    fingerprint.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::DenseRows;

    fn of(values: &[f64], columns: usize) -> u64 {
        let mut fingerprint = Fingerprint::new();
        fingerprint.matrix(&DenseRows::new(values, columns).unwrap()).unwrap();
        fingerprint.value()
    }

    #[test]
    fn any_entry_any_order_and_any_shape_counts() {
        let base = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let other = of(&base, 2);
        assert_eq!(other, of(&base, 2));
        assert_ne!(other, of(&base, 3));
        assert_ne!(other, of(&[2.0, 1.0, 3.0, 4.0, 5.0, 6.0], 2));
        for k in 0..6 {
            let mut changed = base;
            changed[k] = f64::from_bits(changed[k].to_bits() + 1);
            assert_ne!(other, of(&changed, 2), "entry {k}");
        }
    }
}
