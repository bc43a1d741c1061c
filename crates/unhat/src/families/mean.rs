//! Means, variances and deviances: what residuals of a fit are made of.

use super::{Family, Link};
use crate::normal;

impl Link {
    /// μ at η; NaN or infinite where η is out of range.
    #[must_use]
    pub fn mean(self, eta: f64) -> f64 {
        match self {
            Link::Identity => eta,
            Link::Log => eta.exp(),
            Link::Logit => 1.0 / (1.0 + (-eta).exp()),
            Link::Probit => normal::cdf(eta),
            Link::Cloglog => -(-eta.exp()).exp_m1(),
            Link::Inverse => 1.0 / eta,
            Link::InverseSquare => eta.powf(-0.5),
            Link::Sqrt => eta * eta,
        }
    }
}

impl Family {
    /// V(μ), that of one trial; `theta` is that of the negative binomial.
    #[must_use]
    pub fn variance(self, mean: f64, theta: f64) -> f64 {
        match self {
            Family::Gaussian => 1.0,
            Family::Poisson => mean,
            Family::Binomial => mean * (1.0 - mean),
            Family::NegativeBinomial => mean + mean * mean / theta,
            Family::Gamma => mean * mean,
            Family::InverseGaussian => mean * mean * mean,
        }
    }

    /// The deviance of one observation, of one trial.
    #[must_use]
    pub fn deviance(self, y: f64, mean: f64, theta: f64) -> f64 {
        // y·log(y/μ), 0 at y = 0.
        let entropy = |y: f64, mean: f64| if y > 0.0 { y * (y / mean).ln() } else { 0.0 };
        let found = match self {
            Family::Gaussian => (y - mean) * (y - mean),
            Family::Poisson => 2.0 * (entropy(y, mean) - (y - mean)),
            Family::Binomial => 2.0 * (entropy(y, mean) + entropy(1.0 - y, 1.0 - mean)),
            Family::NegativeBinomial => 2.0 * (entropy(y, mean) - (y + theta) * ((y + theta) / (mean + theta)).ln()),
            Family::Gamma => 2.0 * ((y - mean) / mean - (y / mean).ln()),
            Family::InverseGaussian => (y - mean) * (y - mean) / (y * mean * mean),
        };
        found.max(0.0) // rounding
    }

    /// Whether V says the whole variance, so that no dispersion is estimated.
    #[must_use]
    pub fn has_known_dispersion(self) -> bool {
        matches!(self, Family::Poisson | Family::Binomial | Family::NegativeBinomial)
    }
}
