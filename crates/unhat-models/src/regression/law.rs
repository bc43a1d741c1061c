//! What a family and its link say of one row: mean, slope, variance, deviance, log-likelihood.

use std::str::FromStr;
use unhat::families::{Family, Link, Mean, WeightLaw};
use unhat::{ErrorKind, Result};

/// Negative binomials are not fitted.
const NO_THETA: f64 = f64::NAN;

/// A family with its link, and whether the dispersion is estimated whatever the family says (quasi families).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    family: Family,
    link: Link,
    quasi: bool,
}

/// The word of a family: gaussian, binomial, poisson, gamma, inverse-gaussian, quasibinomial, quasipoisson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyName {
    /// The family.
    pub family: Family,
    /// Whether its dispersion is estimated.
    pub quasi: bool,
}

impl FromStr for FamilyName {
    type Err = unhat::Error;
    fn from_str(word: &str) -> Result<FamilyName> {
        let of = |family, quasi| Ok(FamilyName { family, quasi });
        match word {
            "gaussian" => of(Family::Gaussian, false),
            "binomial" => of(Family::Binomial, false),
            "poisson" => of(Family::Poisson, false),
            "gamma" | "Gamma" => of(Family::Gamma, false),
            "inverse-gaussian" | "inverse.gaussian" => of(Family::InverseGaussian, false),
            "quasibinomial" => of(Family::Binomial, true),
            "quasipoisson" => of(Family::Poisson, true),
            _ => {
                let words = "gaussian, binomial, poisson, gamma, inverse-gaussian, quasibinomial, quasipoisson";
                let reason = format!("found {word:?}, expected one of {words}");
                Err(ErrorKind::Option { name: "family".into(), reason }.into())
            }
        }
    }
}

impl Law {
    /// The normal distribution with mean η: least squares.
    pub const LINEAR: Law = Law { family: Family::Gaussian, link: Link::Identity, quasi: false };

    /// Of a family and a link; None: the canonical link.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a link that does not go with the family, and a family that is not fitted.
    pub fn new(name: FamilyName, link: Option<Link>) -> Result<Law> {
        let FamilyName { family, quasi } = name;
        if family == Family::NegativeBinomial {
            let reason = "negative-binomial models are not fitted here, expected another family".to_string();
            return Err(ErrorKind::Option { name: "family".into(), reason }.into());
        }
        let link = link.unwrap_or(family.default_link());
        WeightLaw::new(family, link, None)?;
        Ok(Law { family, link, quasi })
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The link.
    #[must_use]
    pub fn link(&self) -> Link {
        self.link
    }

    /// The word of the family, with `quasi` where its dispersion is estimated.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (self.family, self.quasi) {
            (Family::Poisson, true) => "quasipoisson",
            (Family::Binomial, true) => "quasibinomial",
            (family, _) => family.name(),
        }
    }

    /// Whether every predictor has a mean of the family.
    #[must_use]
    pub fn any_predictor(&self) -> bool {
        matches!(self.link, Link::Logit | Link::Probit | Link::Cloglog)
            || (self.link == Link::Log && self.family != Family::Binomial)
            || (self.link == Link::Identity && self.family == Family::Gaussian)
    }

    /// Whether the dispersion is 1 and not estimated.
    #[must_use]
    pub fn has_known_dispersion(&self) -> bool {
        !self.quasi && self.family.has_known_dispersion()
    }

    /// Whether there is a likelihood.
    #[must_use]
    pub fn has_likelihood(&self) -> bool {
        !self.quasi
    }

    /// μ(η), and what goes with it; NaN where η is out of range.
    #[must_use]
    pub fn at(&self, eta: f64) -> Mean {
        self.family.at(self.link, NO_THETA, eta)
    }

    /// Whether μ is a mean that the family has.
    #[must_use]
    pub fn is_mean(&self, at: &Mean) -> bool {
        at.mean.is_finite()
            && match self.family {
                Family::Gaussian => true,
                Family::Binomial => at.mean > 0.0 && at.rest > 0.0,
                _ => at.mean > 0.0,
            }
    }

    /// Where iteration begins: a mean near the response, as R.
    #[must_use]
    pub fn first_mean(&self, y: f64, weight: f64) -> f64 {
        match self.family {
            Family::Poisson | Family::NegativeBinomial => y + 0.1,
            Family::Binomial => (weight * y + 0.5) / (weight + 1.0),
            Family::Gaussian if self.link == Link::Log => y.max(f64::MIN_POSITIVE),
            _ => y,
        }
    }

    /// Why a response is none of this family.
    #[must_use]
    pub fn refuses(&self, y: f64) -> Option<&'static str> {
        let expected = match self.family {
            Family::Gaussian => "expected a number",
            Family::Poisson | Family::NegativeBinomial => "expected a count of at least 0",
            Family::Binomial => {
                "expected 0, 1 or a proportion between them; counts are given by cbind(successes, failures) or with --trials"
            }
            Family::Gamma | Family::InverseGaussian => "expected a value above 0",
        };
        (!self.family.has_response(y)).then_some(expected)
    }

    /// The deviance of a row of weight 1.
    #[must_use]
    pub fn unit_deviance(&self, y: f64, at: &Mean) -> f64 {
        self.family.deviance(y, at, NO_THETA)
    }

    /// −2 log-likelihood of all rows plus twice the parameters of the dispersion: R's `family()$aic`.
    ///
    /// `rows` gives response, mean and weight of each row that counts, `trials` whether weights of the binomial are numbers of
    /// trials times weights of their own.
    #[must_use]
    pub fn information(&self, rows: &[(f64, Mean, f64)], own: Option<&[f64]>, deviance: f64) -> f64 {
        let total: f64 = rows.iter().map(|(_, _, w)| w).sum();
        let circle = 2.0 * std::f64::consts::PI;
        match self.family {
            Family::Gaussian => {
                let n = rows.len() as f64;
                n * ((circle * deviance / n).ln() + 1.0) + 2.0 - rows.iter().map(|(_, _, w)| w.ln()).sum::<f64>()
            }
            Family::Poisson | Family::NegativeBinomial => {
                let log = |y: f64, mean: f64| y * mean.ln() - mean - libm::lgamma(y + 1.0);
                -2.0 * rows
                    .iter()
                    .map(|(y, at, w)| w * if *y == 0.0 { -at.mean } else { log(*y, at.mean) })
                    .sum::<f64>()
            }
            Family::Binomial => {
                let log = |(k, (y, at, w)): (usize, &(f64, Mean, f64))| {
                    // Numbers of trials; the weight they were multiplied by counts the rows.
                    let weight = own.map_or(1.0, |own| own[k]);
                    let m = (w / weight).round();
                    let successes = (w / weight * y).round();
                    let choose =
                        libm::lgamma(m + 1.0) - libm::lgamma(successes + 1.0) - libm::lgamma(m - successes + 1.0);
                    let part = |count: f64, p: f64| if count == 0.0 { 0.0 } else { count * p.ln() };
                    weight * (choose + part(successes, at.mean) + part(m - successes, at.rest))
                };
                -2.0 * rows.iter().enumerate().map(log).sum::<f64>()
            }
            Family::Gamma => {
                let shape = total / deviance;
                let log = |y: f64, mean: f64| {
                    let scaled = shape * y / mean;
                    shape * scaled.ln() - scaled - y.ln() - libm::lgamma(shape)
                };
                -2.0 * rows.iter().map(|(y, at, w)| w * log(*y, at.mean)).sum::<f64>() + 2.0
            }
            Family::InverseGaussian => {
                let cubes: f64 = rows.iter().map(|(y, _, w)| w * y.ln()).sum();
                total * ((deviance / total * circle).ln() + 1.0) + 3.0 * cubes + 2.0
            }
        }
    }
}
