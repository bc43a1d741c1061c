//! Counter-based randomness: the number drawn for a row depends on (seed, stream, row) alone, never on who draws it.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Uniform numbers in [0, 1), one a row.
///
/// `uᵢ = ChaCha12(key = seed, nonce = stream)[i] / 2⁵³`
///
/// # Shapes
/// `out[k]` belongs to row `first_row + k`.
/// # Randomness
/// Any split of the rows over threads or blocks gives the same numbers. `stream` separates uses (an iteration, a sketch).
pub fn uniform_rows_into(seed: u64, stream: u64, first_row: usize, out: &mut [f64]) {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng.set_word_pos(2 * first_row as u128); // a u64 is two of the generator's 32-bit words
    for u in out {
        *u = (rng.next_u64() >> 11) as f64 * (0.5f64).powi(53);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_draws_the_same_number_in_every_split() {
        let mut whole = [0.0; 100];
        uniform_rows_into(7, 3, 0, &mut whole);
        for first in [0, 1, 17, 64, 99] {
            let mut part = vec![0.0; 100 - first];
            uniform_rows_into(7, 3, first, &mut part);
            assert_eq!(part, whole[first..]);
        }
        let mut other = [0.0; 100];
        uniform_rows_into(7, 4, 0, &mut other);
        assert_ne!(whole, other);
        assert!(whole.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = whole.iter().sum::<f64>() / 100.0;
        assert!((mean - 0.5).abs() < 0.1, "mean {mean}");
    }
}
