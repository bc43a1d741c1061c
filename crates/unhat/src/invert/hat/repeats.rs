//! Rows that say the same thing more than once: equal rows with equal released scores were rounded alike, so that their
//! errors are one error.

use crate::error::Result;
use crate::rows::{Pass, RowSource, Rows, sweep};
use crate::run::Run;
use std::collections::HashMap;

/// How many rows are equal to each, its released score included.
///
/// # Cost
/// One sweep over the entries. Two different rows are taken for equal with a chance of about n²·10⁻¹⁶.
pub(crate) fn repeats(source: &dyn RowSource, released: &[f64], run: &Run<'_>) -> Result<Vec<f64>> {
    let mut words = vec![0.0; released.len()];
    sweep(source, &WordPass { columns: source.shape().columns }, &mut words, run)?;
    let key = |i: usize| (words[i].to_bits(), released[i].to_bits());
    let mut count: HashMap<(u64, u64), f64> = HashMap::new();
    (0..released.len()).for_each(|i| *count.entry(key(i)).or_default() += 1.0);
    Ok((0..released.len()).map(|i| count[&key(i)]).collect())
}

/// A number that stands for the entries of a row.
struct WordPass {
    columns: usize,
}

impl Pass for WordPass {
    type Acc = ();
    fn zero(&self) {}
    fn add(&self, _acc: &mut (), rows: &Rows<'_>, out: &mut [f64]) -> Result<()> {
        /// Odd, its bits spread evenly: 2⁶⁴ by the golden ratio.
        const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut row = vec![0.0; self.columns];
        for (i, out) in out.iter_mut().enumerate() {
            rows.block.densify_into(i..i + 1, &mut row);
            let word = row.iter().fold(SPREAD, |word, a| {
                let a = if *a == 0.0 { 0.0 } else { *a }; // 0 and −0 are one entry
                (word.rotate_left(23) ^ a.to_bits()).wrapping_mul(SPREAD)
            });
            *out = ((word ^ (word >> 29)).wrapping_mul(SPREAD) >> 11) as f64;
        }
        Ok(())
    }
    fn merge(&self, _left: (), _right: ()) {}
    fn width(&self) -> usize {
        1
    }
}
