//! The standard normal distribution: Φ, its logarithm far into the tails, its inverse, and draws keyed by (seed, stream).

use crate::random::uniform_rows_into;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Φ(x), relatively accurate in the lower tail.
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// Below this Φ is a product of a Gaussian and the asymptotic series, whose sixth term is 10⁻¹³ here.
const FAR_TAIL: f64 = -25.0;

/// log Φ(x), where Φ itself has long underflown.
///
/// log Φ(x) = −x²/2 − log(−x√(2π)) + log(1 − 1/x² + 3/x⁴ − 15/x⁶ + 105/x⁸ − 945/x¹⁰ + …),  x → −∞
pub fn log_cdf(x: f64) -> f64 {
    if x > 0.0 {
        return (-cdf(-x)).ln_1p();
    }
    if x > FAR_TAIL {
        return cdf(x).ln();
    }
    let r = 1.0 / (x * x);
    let series = r * (-1.0 + r * (3.0 + r * (-15.0 + r * (105.0 - r * 945.0))));
    -0.5 * x * x - (-x * (2.0 * PI).sqrt()).ln() + series.ln_1p()
}

/// Φ⁻¹(p): infinite at 0 and 1, NaN outside [0, 1].
///
/// Newton's iteration on log Φ, which is concave and increasing: whatever the start, all iterates but the first lie below
/// the root and rise to it.
pub fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if p.is_nan() || p < 0.0 {
        return f64::NAN;
    }
    const MOST: u32 = 100; // 5 to 12 are the rule, down to p = 10⁻³⁰⁰
    let (goal, mut x) = (p.ln(), 0.0);
    for _ in 0..MOST {
        let log = log_cdf(x);
        let log_density = -0.5 * (x * x + (2.0 * PI).ln());
        let step = (goal - log) / (log_density - log).exp();
        x += step;
        if step.abs() <= f64::EPSILON * x.abs() {
            break;
        }
    }
    x
}

/// Independent standard normal numbers.
///
/// √(−2 ln u) cos 2πv, √(−2 ln u) sin 2πv for uniform u, v (Box and Muller)
///
/// # Randomness
/// `out[k]` depends on (seed, stream, k) alone.
/// # References
/// BoxMuller1958.
pub fn draw_into(seed: u64, stream: u64, out: &mut [f64]) {
    let mut uniform = vec![0.0; out.len().next_multiple_of(2)];
    uniform_rows_into(seed, stream, 0, &mut uniform);
    for (z, pair) in out.chunks_mut(2).zip(uniform.chunks_exact(2)) {
        let radius = (-2.0 * (-pair[0]).ln_1p()).sqrt(); // 1 − u lies in (0, 1]
        let (sine, cosine) = (2.0 * PI * pair[1]).sin_cos();
        z[0] = radius * cosine;
        if let Some(z) = z.get_mut(1) {
            *z = radius * sine;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (x, Φ(x), log Φ(x)) from mpmath with 30 digits.
    const KNOWN: &[(f64, f64, f64)] = &[
        (-40.0, 0.0, -804.6084420137538),
        (-30.0, 4.906713927148187e-198, -454.3212439563432),
        (-25.5, 9.856236518963929e-144, -329.28414898717955),
        (-20.0, 2.7536241186062337e-89, -203.91715537109727),
        (-8.0, 6.220960574271784e-16, -35.01343715991455),
        (-3.0, 0.0013498980316300946, -6.607726221510349),
        (-1.0, 0.15865525393145705, -1.8410216450092636),
        (-0.125, 0.4502617751698871, -0.7979261427530241),
        (0.75, 0.7733726476231318, -0.25699426683836524),
        (2.0, 0.9772498680518208, -0.02301290932896349),
        (4.0, 0.9999683287581669, -3.167174337748927e-05),
        (9.0, 1.0, -1.1285884059538405e-19),
    ];

    #[test]
    fn values_are_those_of_a_multiple_precision_library() {
        for &(x, p, log) in KNOWN {
            // The rounding of x/√2 alone changes Φ by x²ε of itself.
            let tolerance = f64::EPSILON * (4.0 + x * x);
            assert!((cdf(x) - p).abs() <= tolerance * p, "Φ({x}) = {}", cdf(x));
            assert!((log_cdf(x) - log).abs() <= 1e-14 * log.abs(), "log Φ({x}) = {}", log_cdf(x));
            if p > 0.0 && x < 5.0 {
                assert!((quantile(p) - x).abs() <= 1e-13 * x.abs(), "Φ⁻¹({p}) = {}", quantile(p));
            }
        }
        assert_eq!((quantile(0.0), quantile(1.0), quantile(0.5)), (f64::NEG_INFINITY, f64::INFINITY, 0.0));
        assert!(quantile(-0.1).is_nan() && quantile(1.1).is_nan());
    }

    #[test]
    fn the_tail_continues_where_the_series_takes_over() {
        let (left, right) = (log_cdf(FAR_TAIL - 1e-9), log_cdf(FAR_TAIL + 1e-9));
        assert!((right - left - 2e-9 * 25.04).abs() < 1e-9 * 1e-3 + 1e-11, "{left} {right}");
    }

    #[test]
    fn draws_have_the_moments_of_the_distribution_and_do_not_depend_on_their_number() {
        const COUNT: usize = 100_001;
        let mut z = vec![0.0; COUNT];
        draw_into(5, 9, &mut z);
        let moment = |k: i32| z.iter().map(|z| z.powi(k)).sum::<f64>() / COUNT as f64;
        let deviations = 4.0 / (COUNT as f64).sqrt();
        assert!(moment(1).abs() < deviations, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 2f64.sqrt() * deviations, "{}", moment(2));
        assert!((moment(4) - 3.0).abs() < 96f64.sqrt() * deviations, "{}", moment(4));
        let mut first = vec![0.0; 11];
        draw_into(5, 9, &mut first);
        assert_eq!(first, z[..11]);
    }
}
