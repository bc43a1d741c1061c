//! What protections make of hat values and of what is released beside them, and what the attacker knows of that.

use super::exact::ExactFit;
use crate::audit::protection::{absolute_quantile, add_noise, round_all};
use crate::audit::report::Protection;
use crate::invert::hat::HatPrecision;

/// Streams of noise under one seed.
const HAT_NOISE: u64 = 0xA0D4_0000_0000;
const BESIDE_NOISE: u64 = 0xA0D5_0000_0000;

/// Numbers as they leave the house.
pub(super) struct Published {
    /// Hat values; of rows whose own is not shown the middle of where it may lie.
    pub hat: Vec<f64>,
    /// How exactly they are known.
    pub precision: HatPrecision,
    /// What is released beside them; 0 in rows that show nothing.
    pub beside: Option<Vec<f64>>,
}

/// Root mean square.
pub(super) fn rms(values: &[f64]) -> f64 {
    (values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// The release of one try. Noise is the same share of the root mean square for hat values and for what stands beside them.
pub(super) fn publish(exact: &ExactFit, protection: &Protection, seed: u64, trial: u64) -> Published {
    let (mut hat, mut beside) = (exact.hat.clone(), exact.beside.clone());
    let precision = match *protection {
        Protection::None => HatPrecision::Exact,
        Protection::Gaussian { noise_rel, noise_abs } => {
            add_noise(&mut hat, noise_abs, seed, HAT_NOISE + trial);
            if let Some(beside) = &mut beside {
                let noise = noise_rel * rms(beside);
                add_noise(beside, noise, seed, BESIDE_NOISE + trial);
            }
            HatPrecision::Noise(vec![noise_abs])
        }
        Protection::Rounding { digits } => {
            round_all(&mut hat, digits);
            if let Some(beside) = &mut beside {
                round_all(beside, digits);
            }
            HatPrecision::Digits(digits)
        }
        // Values beyond the quantile are said to be beyond it.
        Protection::Clip { quantile } => {
            if let Some(beside) = &mut beside {
                let limit = absolute_quantile(beside, quantile);
                beside.iter_mut().filter(|v| v.abs() >= limit).for_each(|v| *v = 0.0);
            }
            let limit = absolute_quantile(&hat, quantile);
            between(&mut hat, |h| h >= limit, [limit, 1.0])
        }
        // Of the others it is known that they are smaller.
        Protection::TopK { k } => {
            let mut order: Vec<usize> = (0..hat.len()).collect();
            order.sort_by(|&i, &j| hat[j].total_cmp(&hat[i]).then(i.cmp(&j)));
            let mut shown = vec![false; hat.len()];
            order.iter().take(k as usize).for_each(|&i| shown[i] = true);
            if let Some(beside) = &mut beside {
                beside.iter_mut().zip(&shown).filter(|(_, shown)| !**shown).for_each(|(v, _)| *v = 0.0);
            }
            let least = order.iter().take(k as usize).map(|&i| hat[i]).fold(1.0, f64::min);
            let mut shown = shown.into_iter();
            between(&mut hat, |_| !shown.next().unwrap_or(false), [0.0, least])
        }
    };
    Published { hat, precision, beside }
}

/// Puts the middle of the interval where `hidden` says, called once a row in their order.
fn between(hat: &mut [f64], mut hidden: impl FnMut(f64) -> bool, [low, high]: [f64; 2]) -> HatPrecision {
    let widths = hat.iter_mut().map(|h| {
        if !hidden(*h) {
            return 0.0;
        }
        *h = 0.5 * (low + high);
        0.5 * (high - low)
    });
    HatPrecision::Widths(widths.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact() -> ExactFit {
        let hat = vec![0.1234, 0.5, 0.0567, 0.9];
        ExactFit { hat, beside: Some(vec![1.0, -2.0, 0.345, -0.1]), log_weights: vec![0.0; 4], residuals: None }
    }

    #[test]
    fn clipped_and_shortened_hat_values_are_intervals() {
        let clipped = publish(&exact(), &Protection::Clip { quantile: 0.99 }, 0, 0);
        let HatPrecision::Widths(widths) = &clipped.precision else { panic!("no widths") };
        assert!(widths[..3] == [0.0; 3] && clipped.hat[3] + widths[3] == 1.0);
        assert_eq!(clipped.beside.unwrap(), [1.0, 0.0, 0.345, -0.1]);
        let top = publish(&exact(), &Protection::TopK { k: 2 }, 0, 0);
        assert_eq!(
            (top.hat, top.precision),
            (vec![0.25, 0.5, 0.25, 0.9], HatPrecision::Widths(vec![0.25, 0.0, 0.25, 0.0]))
        );
        assert_eq!(top.beside.unwrap(), [0.0, -2.0, 0.0, -0.1]);
    }

    #[test]
    fn rounding_and_noise_touch_both() {
        let rounded = publish(&exact(), &Protection::Rounding { digits: 2 }, 0, 0);
        assert_eq!(
            (rounded.hat[0], rounded.beside.unwrap()[2], rounded.precision),
            (0.12, 0.34, HatPrecision::Digits(2))
        );
        let noise = Protection::Gaussian { noise_rel: 0.1, noise_abs: 0.05 };
        let [a, b] = [0, 1].map(|trial| publish(&exact(), &noise, 3, trial));
        assert!(a.hat != b.hat && a.beside != b.beside && a.hat != exact().hat);
    }
}
