//! How well it can be told from a linear fit whether a row was used: closed forms in its hat value, and all rows in a few
//! numbers.

use super::diagnostics::FITTED_WHATEVER;
use crate::error::{ErrorKind, Result};
use crate::normal;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

/// How well the best test tells from a model's residual whether a row of hat value h was fitted: its area under the curve.
///
/// AUC = (2/π)·arctan(1/(1−h))
///
/// In the Gaussian linear model the residual is N(0, s²(1−h)) for a member and N(0, s²/(1−h)) otherwise.
pub fn membership_auc(hat: f64) -> f64 {
    FRAC_2_PI * 1.0f64.atan2((1.0 - hat).max(0.0))
}

/// The true-positive rate of that test at the false-positive rate α.
///
/// TPR = 2Φ(Φ⁻¹((1+α)/2)/(1−h)) − 1
///
/// # Errors
/// [`ErrorKind::Option`] for α outside (0, 1).
pub fn membership_tpr(hat: f64, alpha: f64) -> Result<f64> {
    if !(alpha > 0.0 && alpha < 1.0) {
        let reason = format!("found {alpha}, expected a rate between 0 and 1");
        return Err(ErrorKind::Option { name: "false-positive rate".into(), reason }.into());
    }
    Ok(if hat >= 1.0 { 1.0 } else { libm::erf(normal::quantile(0.5 * (1.0 + alpha)) * FRAC_1_SQRT_2 / (1.0 - hat)) })
}

/// 1/(1−h): how many times the false-positive rate that true-positive rate is, at few false alarms; None where h = 1.
pub fn membership_factor(hat: f64) -> Option<f64> {
    let rest = 1.0 - hat;
    (rest > FITTED_WHATEVER).then(|| 1.0 / rest)
}

/// The Kullback–Leibler divergence of a member's residual from a non-member's, in nats; None where h = 1.
///
/// KL = −log(1−h) + ((1−h)² − 1)/2
pub fn membership_divergence(hat: f64) -> Option<f64> {
    let rest = 1.0 - hat;
    // −log(1−h) − h + h²/2 is what the terms leave: h² for a small h, which log and square alone would round away.
    (rest > FITTED_WHATEVER).then(|| (-(-hat).ln_1p() - hat + 0.5 * hat * hat).max(0.0))
}

/// An AUC above this stands out; a coin is at 0.5.
const STANDS_OUT: f64 = 0.55;

/// The membership of all rows: how many stand out, the middle one, and which are the most exposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure {
    /// Rows with an AUC above 0.55.
    pub standing_out: usize,
    /// Median AUC.
    pub median_auc: f64,
    /// Rows by falling hat value; equal ones in row order.
    pub order: Vec<usize>,
}

impl Exposure {
    /// Of hat values.
    ///
    /// # Cost
    /// A sort of n values.
    pub fn of(hat: &[f64]) -> Exposure {
        let mut order: Vec<usize> = (0..hat.len()).collect();
        order.sort_by(|&i, &j| hat[j].total_cmp(&hat[i]).then(i.cmp(&j)));
        let auc = |place: usize| membership_auc(hat[order[place]]); // falls with the place
        let median_auc = match hat.len() {
            0 => 0.5,
            n => 0.5 * (auc((n - 1) / 2) + auc(n / 2)),
        };
        Exposure { standing_out: hat.iter().filter(|&&h| membership_auc(h) > STANDS_OUT).count(), median_auc, order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unhat_testkit::generate::Stream;

    #[test]
    fn a_row_that_is_fitted_whatever_it_says_is_certain_to_be_a_member() {
        assert_eq!((membership_auc(1.0), membership_tpr(1.0, 0.01).unwrap(), membership_factor(1.0)), (1.0, 1.0, None));
        assert_eq!((membership_divergence(1.0), membership_divergence(0.0)), (None, Some(0.0)));
    }

    #[test]
    fn the_divergence_is_that_of_the_two_normal_distributions() {
        // KL(N(0, s²(1−h)) ‖ N(0, s²/(1−h))) = ½(ρ − 1 − ln ρ) with the ratio of variances ρ = (1−h)².
        for h in [0.05, 0.366, 0.9] {
            let ratio = (1.0 - h) * (1.0 - h);
            let expected = 0.5 * (ratio - 1.0 - f64::ln(ratio));
            assert!((membership_divergence(h).unwrap() - expected).abs() < 1e-14, "{h}");
        }
        let small = 1e-9; // −log(1−h) + ((1−h)²−1)/2 = h² + O(h³)
        assert!((membership_divergence(small).unwrap() / (small * small) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn all_rows_in_a_few_numbers() {
        let found = Exposure::of(&[0.1, 0.9, 0.1, 0.5]);
        assert_eq!((found.order, found.standing_out), (vec![1, 3, 0, 2], 2));
        assert!((found.median_auc - 0.5 * (membership_auc(0.1) + membership_auc(0.5))).abs() < 1e-15);
    }

    #[test]
    fn membership_is_told_as_often_as_the_closed_form_says() {
        const HAT: f64 = 0.366;
        assert!((membership_auc(HAT) - (1.0f64 / 0.634).atan() / std::f64::consts::FRAC_PI_2).abs() < 1e-15);
        assert_eq!(membership_auc(0.0), 0.5);
        // The test statistic is the residual's size: members have the smaller ones.
        const TRIES: usize = 40_000;
        let mut stream = Stream::new(1, "membership");
        let sizes = |stream: &mut Stream, deviation: f64| -> Vec<f64> {
            let mut sizes: Vec<f64> = (0..TRIES).map(|_| (deviation * stream.normal()).abs()).collect();
            sizes.sort_by(f64::total_cmp);
            sizes
        };
        let members = sizes(&mut stream, (1.0 - HAT).sqrt());
        let others = sizes(&mut stream, 1.0 / (1.0 - HAT).sqrt());
        let below: usize = others.iter().map(|o| members.partition_point(|m| m < o)).sum();
        let auc = below as f64 / (TRIES as f64 * TRIES as f64);
        assert!((auc - membership_auc(HAT)).abs() < 4.0 * 0.3 / (TRIES as f64).sqrt(), "{auc}");
        for alpha in [0.01, 0.1] {
            let threshold = others[(alpha * TRIES as f64) as usize];
            let rate = members.partition_point(|m| *m < threshold) as f64 / TRIES as f64;
            let expected = membership_tpr(HAT, alpha).unwrap();
            let error = 4.0 * 2.0 * (expected / TRIES as f64).sqrt();
            assert!((rate - expected).abs() < error, "at {alpha}: {rate}, {expected}");
        }
        assert!((membership_tpr(0.36, 0.01).unwrap() - 0.015_62).abs() < 1e-4);
        assert!(membership_tpr(0.5, 0.0).is_err() && membership_tpr(0.5, 1.0).is_err());
    }
}
