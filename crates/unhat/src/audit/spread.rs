//! The errors of many tries in a few numbers: quantiles first, because a failed try makes a root mean square look safe.

use super::report::Spread;

/// Two standard errors of a mean, nearly: the 97.5 % point of the normal distribution.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;
/// A try sits on the bound when its error is at most this many times it.
const AT_THE_BOUND: f64 = 3.0;

/// The spread of errors; None of none. `bound` is the root-mean-square error that theory allows.
pub(super) fn spread(errors: &[f64], bound: Option<f64>) -> Option<Spread> {
    let mut sorted = errors.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let at = |p: f64| quantile(&sorted, p);
    let mean = sorted.iter().map(|e| e * e).sum::<f64>() / count;
    let variance = sorted.iter().map(|e| (e * e - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let half = TWO_SIDED_95 * (variance / count).sqrt();
    Some(Spread {
        median: at(0.5)?,
        q05: at(0.05)?,
        q95: at(0.95)?,
        rmse: mean.sqrt(),
        rmse_ci95: [(mean - half).max(0.0).sqrt(), (mean + half).sqrt()],
        trials: sorted.len() as u32,
        share_at_bound: bound.map(|bound| sorted.iter().filter(|&&e| e <= AT_THE_BOUND * bound).count() as f64 / count),
    })
}

/// The p-quantile of sorted values, interpolated between neighbours; None of none.
pub(super) fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let position = p * (sorted.len().checked_sub(1)?) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let (low, high) = (sorted[below], sorted[above]);
    Some(low + (position - below as f64) * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let sorted: Vec<f64> = (0..=20).map(f64::from).collect();
        assert_eq!((quantile(&sorted, 0.05), quantile(&sorted, 0.5)), (Some(1.0), Some(10.0)));
        assert_eq!(quantile(&[1.0, 2.0], 0.25), Some(1.25));
        assert_eq!((quantile(&[], 0.5), quantile(&[4.0], 0.9)), (None, Some(4.0)));
    }

    #[test]
    fn one_failure_moves_the_root_mean_square_and_not_the_median() {
        let mut errors = vec![1e-6; 59];
        errors.push(1.0);
        let spread = spread(&errors, Some(1e-6)).unwrap();
        assert_eq!((spread.median, spread.q05, spread.trials), (1e-6, 1e-6, 60));
        assert!((spread.rmse - (1.0 / 60f64).sqrt()).abs() < 1e-9);
        assert!((spread.share_at_bound.unwrap() - 59.0 / 60.0).abs() < 1e-15);
        assert!(spread.rmse_ci95[0] == 0.0 && spread.rmse_ci95[1] > spread.rmse);
        assert!(super::spread(&[], None).is_none());
    }
}
