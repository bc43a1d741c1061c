//! Drawing rows by their scores: water-filled probabilities, one uniform number a row.

use crate::random::uniform_rows_into;

/// Rows of a block: a coreset holds thousands, so that every core gets several blocks, and one of a hundred columns stays
/// in a second-level cache with its scaled copy.
pub(super) const CORESET_BLOCK: usize = 256;

/// Rows drawn independently with probabilities pᵢ.
pub(super) struct Sample {
    /// The rows, increasing.
    pub rows: Vec<usize>,
    /// ωᵢ = 1/pᵢ.
    pub weights: Vec<f64>,
}

/// Inclusion probabilities that only grow, and the uniform numbers that decide: rows are added, never dropped.
pub(super) struct Draw {
    uniform: Vec<f64>,
    probability: Vec<f64>,
    level: f64,
}

impl Draw {
    /// pᵢ = min(1, τ·scoreᵢ) with Σpᵢ = `size`.
    pub fn new(scores: &[f64], size: usize, seed: u64, stream: u64) -> Draw {
        let mut uniform = vec![0.0; scores.len()];
        uniform_rows_into(seed, stream, 0, &mut uniform);
        let level = water_level(scores, size);
        let probability = scores.iter().map(|score| (level * score).min(1.0)).collect();
        Draw { uniform, probability, level }
    }

    /// Whether row i would be drawn if its score were `score` (or what it was, if that is larger).
    pub fn would_add(&self, i: usize, score: f64) -> bool {
        self.uniform[i] >= self.probability[i] && self.uniform[i] < (self.level * score).min(1.0)
    }

    /// Raises probabilities to min(1, τ·scoreᵢ) where that is more.
    pub fn raise(&mut self, scores: &[f64]) {
        for (p, score) in self.probability.iter_mut().zip(scores) {
            *p = p.max((self.level * score).min(1.0));
        }
    }

    /// Raises the probabilities of the named rows to `probability` where that is more.
    pub fn include(&mut self, rows: &[usize], probability: f64) {
        rows.iter().for_each(|&i| self.probability[i] = self.probability[i].max(probability));
    }

    /// The rows with uᵢ < pᵢ.
    pub fn sample(&self) -> Sample {
        let drawn = self.uniform.iter().zip(&self.probability).enumerate().filter(|(_, (u, p))| u < p);
        let (rows, weights) = drawn.map(|(i, (_, p))| (i, 1.0 / p)).unzip();
        Sample { rows, weights }
    }
}

/// τ with Σ min(1, τ·scoreᵢ) = m; infinite when m ≥ n.
///
/// Rows that a level fills stay full at every higher one, so the level rises until no row is newly full: a few scans.
fn water_level(scores: &[f64], size: usize) -> f64 {
    let n = scores.len();
    if size >= n {
        return f64::INFINITY;
    }
    let (mut level, mut full) = (0.0, None);
    loop {
        let filled = |score: &&f64| level * **score > 1.0;
        let now = scores.iter().filter(filled).count();
        if full == Some(now) {
            return level;
        }
        full = Some(now);
        // The full rows have p = 1; the others share m − full.
        let rest: f64 = scores.iter().filter(|score| !filled(score)).sum();
        level = (size as f64 - now as f64) / rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn water_filling_reaches_the_wished_size() {
        let scores = [0.9, 0.8, 0.1, 0.1, 0.05, 0.05];
        for size in 1..6 {
            let level = water_level(&scores, size);
            let sum: f64 = scores.iter().map(|s| (level * s).min(1.0)).sum();
            assert!((sum - size as f64).abs() < 1e-12, "size {size}: {sum}");
        }
        assert!(water_level(&scores, 6).is_infinite());
    }

    #[test]
    fn a_draw_is_unbiased_over_seeds() {
        let scores: Vec<f64> = (0..200).map(|i| 0.001 + 0.01 * (i % 7) as f64).collect();
        let total: f64 = scores.iter().sum();
        let seeds = 400;
        let estimate = |seed| {
            let s = Draw::new(&scores, 40, seed, 1).sample();
            s.rows.iter().zip(&s.weights).map(|(&i, w)| w * scores[i]).sum::<f64>()
        };
        let mean = (0..seeds).map(estimate).sum::<f64>() / seeds as f64;
        assert!((mean / total - 1.0).abs() < 0.02, "{mean} against {total}");
    }

    #[test]
    fn raising_scores_only_adds_rows() {
        let scores: Vec<f64> = (0..300).map(|i| 0.01 + 0.002 * (i % 11) as f64).collect();
        let mut draw = Draw::new(&scores, 60, 3, 2);
        let before = draw.sample().rows;
        let new: Vec<f64> = scores.iter().rev().map(|s| 1.5 * s).collect();
        let expected: Vec<usize> = (0..300).filter(|&i| before.contains(&i) || draw.would_add(i, new[i])).collect();
        draw.raise(&new);
        assert_eq!(draw.sample().rows, expected);
        assert!(expected.len() > before.len());
    }
}
