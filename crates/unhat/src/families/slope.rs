//! The link itself and the slope of its inverse.

use super::Link;
use crate::normal;
use std::f64::consts::TAU;

impl Link {
    /// η at μ; NaN or infinite where μ is out of range.
    #[must_use]
    pub fn predictor(self, mean: f64) -> f64 {
        match self {
            Link::Identity => mean,
            Link::Log => mean.ln(),
            Link::Logit => mean.ln() - (-mean).ln_1p(),
            Link::Probit => normal::quantile(mean),
            Link::Cloglog => (-(-mean).ln_1p()).ln(),
            Link::Inverse => 1.0 / mean,
            Link::InverseSquare => 1.0 / (mean * mean),
            Link::Sqrt => mean.sqrt(),
        }
    }

    /// dμ/dη at η.
    #[must_use]
    pub fn mean_slope(self, eta: f64) -> f64 {
        match self {
            Link::Identity => 1.0,
            Link::Log => eta.exp(),
            Link::Logit => {
                let tail = (-eta.abs()).exp(); // even in η
                tail / ((1.0 + tail) * (1.0 + tail))
            }
            Link::Probit => (-0.5 * eta * eta).exp() / TAU.sqrt(),
            Link::Cloglog => (eta - eta.exp()).exp(),
            Link::Inverse => -1.0 / (eta * eta),
            Link::InverseSquare => -0.5 * eta.powf(-1.5),
            Link::Sqrt => 2.0 * eta,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::LINKS;
    use super::*;

    #[test]
    fn a_link_takes_its_inverse_back_and_the_slope_is_the_quotient_of_differences() {
        for link in LINKS {
            for eta in [0.3, 0.7, 1.1, 2.5] {
                let mean = link.mean(eta);
                assert!((link.predictor(mean) - eta).abs() < 1e-10, "{link:?} at {eta}");
                let step = 1e-5;
                let quotient = (link.mean(eta + step) - link.mean(eta - step)) / (2.0 * step);
                assert!((link.mean_slope(eta) - quotient).abs() < 1e-8, "{link:?} at {eta}");
            }
        }
    }
}
