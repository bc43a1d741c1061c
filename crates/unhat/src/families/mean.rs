//! Means, variances and deviances: what a family and its link say of one row.

use super::{Family, Link};
use crate::normal;
use std::f64::consts::TAU;

/// A row at its predictor η.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    /// μ.
    pub mean: f64,
    /// 1 − μ without cancellation, for the binomial.
    pub rest: f64,
    /// dμ/dη.
    pub slope: f64,
    /// V(μ), that of one trial.
    pub variance: f64,
}

impl Link {
    /// η at μ; NaN or infinite where μ is out of range.
    #[must_use]
    pub fn predictor(self, mean: f64) -> f64 {
        match self {
            Link::Identity => mean,
            Link::Log => mean.ln(),
            Link::Logit => (mean / (1.0 - mean)).ln(),
            Link::Probit => normal::quantile(mean),
            Link::Cloglog => (-(-mean).ln_1p()).ln(),
            Link::Inverse => 1.0 / mean,
            Link::InverseSquare => 1.0 / (mean * mean),
            Link::Sqrt => mean.sqrt(),
        }
    }

    /// μ, 1 − μ and dμ/dη at η; NaN where η is out of range.
    fn mean_rest_slope(self, eta: f64) -> (f64, f64, f64) {
        match self {
            Link::Identity => (eta, 1.0 - eta, 1.0),
            Link::Log => {
                let mean = eta.exp();
                (mean, -eta.exp_m1(), mean)
            }
            Link::Logit => {
                let small = (-eta.abs()).exp();
                let (low, high) = (small / (1.0 + small), 1.0 / (1.0 + small));
                let (mean, rest) = if eta < 0.0 { (low, high) } else { (high, low) };
                (mean, rest, low * high)
            }
            Link::Probit => {
                let density = (-0.5 * eta * eta).exp() / TAU.sqrt();
                (normal::cdf(eta), normal::cdf(-eta), density)
            }
            Link::Cloglog => {
                let x = eta.exp();
                let rest = (-x).exp();
                (-(-x).exp_m1(), rest, x * rest)
            }
            Link::Inverse => (1.0 / eta, f64::NAN, -1.0 / (eta * eta)),
            Link::InverseSquare => (eta.powf(-0.5), f64::NAN, -0.5 * eta.powf(-1.5)),
            Link::Sqrt => (eta * eta, f64::NAN, 2.0 * eta),
        }
    }
}

impl Family {
    /// μ(η), and what goes with it; NaN where η is out of range. `theta` is that of the negative binomial.
    #[must_use]
    pub fn at(self, link: Link, theta: f64, eta: f64) -> Mean {
        let (mean, rest, slope) = link.mean_rest_slope(eta);
        let variance = match self {
            Family::Gaussian => 1.0,
            Family::Poisson => mean,
            Family::Binomial => mean * rest,
            Family::NegativeBinomial => mean + mean * mean / theta,
            Family::Gamma => mean * mean,
            Family::InverseGaussian => mean * mean * mean,
        };
        Mean { mean, rest, slope, variance }
    }

    /// Whether the family has this response; of a binomial the share of successes.
    #[must_use]
    pub fn has_response(self, y: f64) -> bool {
        match self {
            Family::Gaussian => true,
            Family::Binomial => (0.0..=1.0).contains(&y),
            Family::Poisson | Family::NegativeBinomial => y >= 0.0,
            Family::Gamma | Family::InverseGaussian => y > 0.0,
        }
    }

    /// The deviance of one observation, of one trial.
    #[must_use]
    pub fn deviance(self, y: f64, at: &Mean, theta: f64) -> f64 {
        // y·log(y/μ), 0 at y = 0.
        let log_ratio = |y: f64, mean: f64| if y == 0.0 { 0.0 } else { y * (y / mean).ln() };
        let mean = at.mean;
        let found = match self {
            Family::Gaussian => (y - mean).powi(2),
            Family::Poisson => 2.0 * (log_ratio(y, mean) - (y - mean)),
            Family::Binomial => 2.0 * (log_ratio(y, mean) + log_ratio(1.0 - y, at.rest)),
            Family::NegativeBinomial => 2.0 * (log_ratio(y, mean) - (y + theta) * ((y + theta) / (mean + theta)).ln()),
            Family::Gamma => -2.0 * ((y / mean).ln() - (y - mean) / mean),
            Family::InverseGaussian => (y - mean).powi(2) / (y * mean * mean),
        };
        found.max(0.0) // rounding
    }

    /// y − μ, without cancellation where y = 1.
    #[must_use]
    pub fn residual(self, y: f64, at: &Mean) -> f64 {
        match self {
            Family::Binomial if y == 1.0 => at.rest,
            _ => y - at.mean,
        }
    }

    /// Whether V says the whole variance, so that no dispersion is estimated.
    #[must_use]
    pub fn has_known_dispersion(self) -> bool {
        matches!(self, Family::Poisson | Family::Binomial | Family::NegativeBinomial)
    }
}

#[cfg(test)]
mod tests {
    use super::super::LINKS;

    #[test]
    fn a_link_takes_its_inverse_back_and_the_slope_is_the_quotient_of_differences() {
        for link in LINKS {
            for eta in [0.3, 0.7, 1.1, 2.5] {
                let (mean, rest, slope) = link.mean_rest_slope(eta);
                assert!((link.predictor(mean) - eta).abs() < 1e-10, "{link:?} at {eta}");
                assert!(rest.is_nan() || (mean + rest - 1.0).abs() < 1e-14, "{link:?} at {eta}");
                let step = 1e-6;
                let quotient = (link.mean_rest_slope(eta + step).0 - link.mean_rest_slope(eta - step).0) / (2.0 * step);
                assert!((slope - quotient).abs() < 1e-8, "{link:?} at {eta}");
            }
        }
    }
}
