//! Scores of several models of the same rows in one: over seeds, or over the checkpoints of one training.

/// (1/K) Σ_k s_k over models trained with K seeds.
pub fn ensemble_mean(scores: &[Vec<f64>]) -> Vec<f64> {
    weighted(scores, |_| 1.0 / scores.len() as f64)
}

/// Σ_k s_k/mean|s_k| over checkpoints: gradients shrink as training goes on, and the weights put them on one scale.
pub fn checkpoint_sum(scores: &[Vec<f64>]) -> Vec<f64> {
    weighted(scores, |s| {
        let mean = s.iter().map(|s| s.abs()).sum::<f64>() / s.len() as f64;
        if mean > 0.0 { 1.0 / mean } else { 0.0 } // a checkpoint whose scores are all 0 says nothing
    })
}

fn weighted(scores: &[Vec<f64>], weight: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut sum = vec![0.0; scores.first().map_or(0, Vec::len)];
    for s in scores {
        let w = weight(s);
        sum.iter_mut().zip(s).for_each(|(sum, s)| *sum += w * s);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_weigh_alike_whatever_their_scale() {
        let s = vec![vec![1.0, -3.0], vec![1e-6, 3e-6]];
        let got = checkpoint_sum(&s);
        assert!((got[0] - 1.0).abs() < 1e-12 && got[1].abs() < 1e-12);
        assert_eq!(ensemble_mean(&[vec![1.0, 2.0], vec![3.0, 6.0]]), [2.0, 4.0]);
    }
}
