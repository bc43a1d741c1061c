//! What protections do to a release, with random numbers keyed by the number of the try.

use super::release::Released;
use super::report::{Protection, ProtectionKind};
use crate::linalg::norm;
use crate::normal;
use crate::random::uniform_rows_into;

/// Streams under one seed: the noise of scores and of gradients, and the starts. Tries are counted from each.
const SCORE_NOISE: u64 = 0xA0D1_0000_0000;
const GRADIENT_NOISE: u64 = 0xA0D2_0000_0000;
const STARTS: u64 = 0xA0D3_0000_0000;

/// The release of one try. The same try draws the same noise at every level, so that levels differ by it alone.
pub(super) fn protect(exact: &Released, protection: &Protection, seed: u64, trial: u64) -> Released {
    let mut released = exact.clone();
    match *protection {
        Protection::None => {}
        Protection::Gaussian { noise_abs, .. } => {
            add_noise(&mut released.scores, noise_abs, seed, SCORE_NOISE + trial);
            add_noise(&mut released.gradient, noise_abs, seed, GRADIENT_NOISE + trial);
            released.noise = noise_abs;
        }
        Protection::Rounding { digits } => {
            let half = round_all(&mut released.scores, digits);
            released.noise = norm(&half) / (3.0 * half.len().max(1) as f64).sqrt();
            released.half = Some(half);
            released.gradient_half = Some(round_all(&mut released.gradient, digits));
        }
        Protection::Clip { quantile } => {
            clip_scores(&mut released, quantile);
            let limit = absolute_quantile(&released.gradient, quantile);
            released.gradient.iter_mut().for_each(|g| *g = g.clamp(-limit, limit));
        }
        Protection::TopK { k } => keep_largest(&mut released, k as usize),
    }
    released
}

/// Whether two tries differ in what is released.
pub(super) fn is_random(protection: &Protection) -> bool {
    matches!(protection, Protection::Gaussian { .. })
}

/// A point at the distance `share`·‖x‖ from x, in a direction drawn for the try.
pub(super) fn start_near(x: &[f64], share: f64, seed: u64, trial: u64) -> Vec<f64> {
    let mut direction = vec![0.0; x.len()];
    normal::draw_into(seed, STARTS + trial, &mut direction);
    let scale = share * crate::linalg::norm(x) / crate::linalg::norm(&direction).max(f64::MIN_POSITIVE);
    x.iter().zip(&direction).map(|(x, h)| x + scale * h).collect()
}

/// A number of its own for the try, for draws inside an attack.
pub(super) fn seed_of(seed: u64, trial: u64) -> u64 {
    let mut u = [0.0];
    uniform_rows_into(seed, STARTS - 1 - trial, 0, &mut u);
    (u[0] * 2f64.powi(53)) as u64
}

pub(super) fn add_noise(values: &mut [f64], noise: f64, seed: u64, stream: u64) {
    let mut z = vec![0.0; values.len()];
    normal::draw_into(seed, stream, &mut z);
    values.iter_mut().zip(&z).for_each(|(v, z)| *v += noise * z);
}

/// Rounds to significant digits; returns half a unit of the last digit of each.
pub(super) fn round_all(values: &mut [f64], digits: u32) -> Vec<f64> {
    let of = |v: &mut f64| {
        if *v == 0.0 {
            return 0.0;
        }
        let last = 10f64.powi(v.abs().log10().floor() as i32 + 1 - digits as i32);
        *v = rounded(*v, digits);
        0.5 * last
    };
    values.iter_mut().map(of).collect()
}

/// To significant decimal digits, as a decimal printer rounds.
fn rounded(v: f64, digits: u32) -> f64 {
    let decimals = digits.saturating_sub(1) as usize;
    format!("{v:.decimals$e}").parse().unwrap_or(v) // a number's own text is one
}

/// An attacker sees the ties at the largest value, and does without those rows: what remains is exact.
fn clip_scores(released: &mut Released, quantile: f64) {
    let limit = absolute_quantile(&released.scores, quantile);
    retain(released, |score| score < limit);
}

/// The rows with the k largest scores; which they are is told with them.
fn keep_largest(released: &mut Released, k: usize) {
    let mut order: Vec<usize> = (0..released.scores.len()).collect();
    order.sort_by(|&i, &j| released.scores[j].total_cmp(&released.scores[i]).then(i.cmp(&j)));
    let mut kept = vec![false; order.len()];
    order.iter().take(k).for_each(|&i| kept[i] = true);
    let mut kept = kept.into_iter();
    retain(released, |_| kept.next().unwrap_or(false));
}

/// Keeps the scores that `wanted` says, called in their order, with their rows.
fn retain(released: &mut Released, mut wanted: impl FnMut(f64) -> bool) {
    let rows = released.rows.take().unwrap_or_else(|| (0..released.scores.len()).collect());
    let pairs = rows.into_iter().zip(released.scores.drain(..));
    let (rows, scores): (Vec<usize>, Vec<f64>) = pairs.filter(|(_, score)| wanted(*score)).unzip();
    (released.rows, released.scores) = (Some(rows), scores);
}

/// The quantile of the absolute values, between neighbours by interpolation; 0 of none.
pub(super) fn absolute_quantile(values: &[f64], quantile: f64) -> f64 {
    let mut sizes: Vec<f64> = values.iter().map(|v| v.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    super::spread::quantile(&sizes, quantile).unwrap_or(0.0)
}

/// The option that asks for a protection, and its value.
pub(super) fn option_of(protection: &Protection) -> (ProtectionKind, Option<f64>) {
    match *protection {
        Protection::None => (ProtectionKind::None, None),
        Protection::Gaussian { noise_abs, .. } => (ProtectionKind::Gaussian, Some(noise_abs)),
        Protection::Rounding { digits } => (ProtectionKind::Rounding, Some(digits.into())),
        Protection::Clip { quantile } => (ProtectionKind::Clip, Some(quantile)),
        Protection::TopK { k } => (ProtectionKind::TopK, Some(k.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(scores: &[f64]) -> Released {
        Released {
            rows: None,
            scores: scores.to_vec(),
            gradient: vec![-3.0, 1.0],
            noise: 0.0,
            half: None,
            gradient_half: None,
        }
    }

    #[test]
    fn rounding_keeps_the_digits_and_knows_their_error() {
        let rounded = protect(&release(&[0.123456, 0.0, 0.00987]), &Protection::Rounding { digits: 2 }, 0, 0);
        assert_eq!(rounded.scores, [0.12, 0.0, 0.0099]);
        let expected = ((1e-2f64.powi(2) + 1e-4f64.powi(2)) / 12.0 / 3.0).sqrt();
        assert!((rounded.noise - expected).abs() < 1e-15);
    }

    #[test]
    fn clipped_scores_are_left_out_and_gradients_are_cut() {
        let scores: Vec<f64> = (1..=101).map(f64::from).collect();
        let clipped = protect(&release(&scores), &Protection::Clip { quantile: 0.95 }, 0, 0);
        assert_eq!(clipped.scores, scores[..95]);
        assert_eq!(clipped.rows.unwrap(), (0..95).collect::<Vec<_>>());
        assert_eq!(clipped.gradient, [-2.9, 1.0]); // 1 + 0.95·2
    }

    #[test]
    fn the_largest_scores_keep_their_rows() {
        let mut exact = release(&[0.3, 0.9, 0.1, 0.5]);
        exact.rows = Some(vec![7, 3, 9, 1]);
        let top = protect(&exact, &Protection::TopK { k: 2 }, 0, 0);
        assert_eq!((top.rows.unwrap(), top.scores), (vec![3, 1], vec![0.9, 0.5]));
    }

    #[test]
    fn a_try_draws_one_noise_for_all_levels_and_starts_as_far_as_asked() {
        let exact = release(&[0.5; 40]);
        let noisy = |noise_abs, trial| protect(&exact, &Protection::Gaussian { noise_rel: 0.0, noise_abs }, 3, trial);
        let (small, large, other) = (noisy(1e-3, 0), noisy(2e-3, 0), noisy(1e-3, 1));
        for i in 0..40 {
            let (s, l) = (small.scores[i] - 0.5, large.scores[i] - 0.5);
            assert!((l - 2.0 * s).abs() < 1e-15 && s != 0.0);
        }
        assert_ne!(small.scores, other.scores);
        assert_ne!(small.scores[..2], small.gradient[..]);
        let start = start_near(&[3.0, 4.0], 0.02, 1, 5);
        assert!(((start[0] - 3.0).hypot(start[1] - 4.0) - 0.1).abs() < 1e-14);
        assert_ne!(seed_of(1, 0), seed_of(1, 1));
    }
}
