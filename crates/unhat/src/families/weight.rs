//! log w and its derivative in η, for every family and link that goes with it, without over- or underflow.

use super::{Family, Link};
use crate::error::{ErrorKind, Result};
use crate::normal;

/// The weight of a row of a generalised linear model as a function of its predictor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightLaw {
    family: Family,
    link: Link,
    /// θ of the negative binomial; 1 where it is not known.
    theta: f64,
}

/// What kind of function log w is: it decides what scores leave open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// log w is constant: scores say nothing of coefficients.
    Constant,
    /// log w = p·η: a constant in η is open.
    Linear(f64),
    /// log w = p·log η, η > 0: a positive factor of η is open.
    Power(f64),
    /// Even in η: the sign is open.
    Even,
    /// Nothing is open by the form of w.
    General,
}

impl WeightLaw {
    /// Of a family and a link; `theta` of the negative binomial.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for a link that does not go with the family, and a θ that is none.
    pub fn new(family: Family, link: Link, theta: Option<f64>) -> Result<WeightLaw> {
        let refused = |name: &str, reason: String| Err(ErrorKind::Option { name: name.into(), reason }.into());
        if let Some(theta) = theta {
            if family != Family::NegativeBinomial {
                return refused("theta", format!("{} has none; leave it out", family.name()));
            }
            if !(theta > 0.0 && theta.is_finite()) {
                return refused("theta", format!("found {theta}, expected a number above 0"));
            }
        }
        let law = WeightLaw { family, link, theta: theta.unwrap_or(1.0) };
        match law.known_shape() {
            Some(_) => Ok(law),
            None => refused("link", format!("{} does not go with family {}", link.name(), family.name())),
        }
    }

    /// The kind of function.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.known_shape().unwrap_or(Shape::General)
    }

    /// None for links that do not go with the family.
    fn known_shape(&self) -> Option<Shape> {
        use Link::{Cloglog, Identity, Inverse, InverseSquare, Log, Logit, Probit, Sqrt};
        // Of η = μ^k: (dμ/dη)² = μ^(2−2k) up to a factor, so w = μ^(2−2k−v) = η^((2−2k−v)/k) with V = μ^v.
        let power = |v: f64| match self.link {
            Log => Some(match 2.0 - v {
                0.0 => Shape::Constant,
                slope => Shape::Linear(slope),
            }),
            Identity | Inverse | InverseSquare | Sqrt => {
                let k = match self.link {
                    Identity => 1.0,
                    Inverse => -1.0,
                    InverseSquare => -2.0,
                    _ => 0.5,
                };
                Some(match (2.0 - 2.0 * k - v) / k {
                    0.0 => Shape::Constant,
                    p => Shape::Power(p),
                })
            }
            Logit | Probit | Cloglog => None,
        };
        match (self.family, self.link) {
            (Family::Gaussian, _) => power(0.0),
            (Family::Poisson, _) => power(1.0),
            (Family::Gamma, _) => power(2.0),
            (Family::InverseGaussian, _) => power(3.0),
            (Family::NegativeBinomial, Log) => Some(Shape::General),
            (Family::Binomial, Logit | Probit) => Some(Shape::Even),
            (Family::Binomial, Cloglog | Log) => Some(Shape::General),
            _ => None,
        }
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

    /// Whether η may take any value; otherwise it has one sign on all rows: positive, for a binomial log link negative.
    #[must_use]
    pub fn any_predictor(&self) -> bool {
        !matches!(self.shape(), Shape::Power(_)) && (self.family, self.link) != (Family::Binomial, Link::Log)
    }

    /// What [`log_weight`](WeightLaw::log_weight) leaves out of log w: of η = μ^k it is log(1/k²), of others 0.
    #[must_use]
    pub fn log_factor(&self) -> f64 {
        match self.link {
            Link::InverseSquare => -4f64.ln(),
            Link::Sqrt => 4f64.ln(),
            _ => 0.0,
        }
    }

    /// log w(η) and its derivative, without [`log_factor`](WeightLaw::log_factor); infinite or NaN where η is out of range.
    #[must_use]
    pub fn log_weight(&self, eta: f64) -> (f64, f64) {
        match self.shape() {
            Shape::Constant => (0.0, 0.0),
            Shape::Linear(slope) => (slope * eta, slope),
            Shape::Power(p) => (p * eta.ln(), p / eta),
            Shape::Even | Shape::General => match (self.family, self.link) {
                (Family::NegativeBinomial, _) => {
                    // μ/(1 + μ/θ)
                    let beyond = eta - self.theta.ln();
                    (eta - softplus(beyond), logistic(-beyond))
                }
                (_, Link::Logit) => (-softplus(eta) - softplus(-eta), -(0.5 * eta).tanh()),
                (_, Link::Probit) => {
                    let (below, above) = (normal::log_cdf(eta), normal::log_cdf(-eta));
                    let log_density = -0.5 * (eta * eta + (2.0 * std::f64::consts::PI).ln());
                    let slope = -2.0 * eta - (log_density - below).exp() + (log_density - above).exp();
                    (2.0 * log_density - below - above, slope)
                }
                (_, Link::Cloglog) => {
                    // x²/(eˣ − 1), x = e^η
                    let x = eta.exp();
                    let grown = x.exp_m1();
                    match x > 30.0 {
                        true => (2.0 * eta - x - (-(-x).exp()).ln_1p(), 2.0 - x - x * (-x).exp()),
                        // x·eˣ/(eˣ − 1) goes to 1 with x
                        false if x < 1e-9 => (eta - 0.5 * x, 1.0 - 0.5 * x),
                        false => (2.0 * eta - grown.ln(), 2.0 - x * x.exp() / grown),
                    }
                }
                _ => {
                    // Binomial, log: μ/(1 − μ), η < 0
                    let rest = -eta.exp_m1();
                    (eta - rest.ln(), 1.0 + eta.exp() / rest)
                }
            },
        }
    }
}

/// log(1 + eˣ).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// 1/(1 + e⁻ˣ).
fn logistic(x: f64) -> f64 {
    match x >= 0.0 {
        true => 1.0 / (1.0 + (-x).exp()),
        false => x.exp() / (1.0 + x.exp()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is how a test fails
    use super::*;

    fn law(family: Family, link: Link) -> WeightLaw {
        WeightLaw::new(family, link, (family == Family::NegativeBinomial).then_some(2.5)).unwrap()
    }

    /// dμ/dη by differences, V from its definition.
    fn by_definition(law: &WeightLaw, eta: f64) -> f64 {
        let at = |eta: f64| law.family().at(law.link(), 2.5, eta);
        let step = 1e-5 * (1.0 + eta.abs());
        let slope = (at(eta + step).mean - at(eta - step).mean) / (2.0 * step);
        slope * slope / at(eta).variance
    }

    #[test]
    fn weights_are_those_of_the_definition() {
        use Family::*;
        use Link::*;
        let all = [
            (Gaussian, Log),
            (Poisson, Log),
            (Poisson, Identity),
            (Poisson, Sqrt),
            (Binomial, Logit),
            (Binomial, Probit),
            (Binomial, Cloglog),
            (Binomial, Log),
            (NegativeBinomial, Log),
            (Gamma, Inverse),
            (Gamma, Identity),
            (Gamma, Log),
            (InverseGaussian, InverseSquare),
            (InverseGaussian, Log),
            (InverseGaussian, Inverse),
        ];
        for (family, link) in all {
            let law = law(family, link);
            let negative = (family, link) == (Binomial, Log);
            let points: Vec<f64> = if negative {
                vec![-2.0, -0.7, -0.1]
            } else if law.any_predictor() {
                vec![-1.5, 0.3, 1.2]
            } else {
                vec![0.2, 1.1, 3.0]
            };
            for eta in points {
                let (log, slope) = law.log_weight(eta);
                let log = match law.shape() {
                    Shape::Constant => by_definition(&law, eta).ln() - law.log_factor(), // the same at all points
                    _ => log,
                };
                assert!(
                    (log + law.log_factor() - by_definition(&law, eta).ln()).abs() < 1e-7,
                    "{family:?} {link:?} {eta}"
                );
                let difference = (law.log_weight(eta + 1e-6).0 - law.log_weight(eta - 1e-6).0) / 2e-6;
                assert!((slope - difference).abs() < 1e-6 * (1.0 + slope.abs()), "{family:?} {link:?} {eta}");
            }
        }
    }

    #[test]
    fn nothing_overflows_far_out_and_even_laws_are_even() {
        for link in [Link::Logit, Link::Probit] {
            let law = law(Family::Binomial, link);
            for eta in [0.5, 5.0, 35.0] {
                let ((a, da), (b, db)) = (law.log_weight(eta), law.log_weight(-eta));
                assert!((a - b).abs() < 1e-9 * a.abs() && (da + db).abs() < 1e-9 * (1.0 + da.abs()));
            }
        }
        let law = law(Family::Binomial, Link::Cloglog);
        for eta in [-700.0, -30.0, 0.0, 3.0, 6.0] {
            let (log, slope) = law.log_weight(eta);
            assert!(log.is_finite() && slope.is_finite(), "{eta}: {log} {slope}");
        }
        assert!((law.log_weight(-40.0).1 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn links_that_do_not_go_with_a_family_are_refused() {
        for (family, link) in [(Family::Poisson, Link::Logit), (Family::NegativeBinomial, Link::Identity)] {
            let error = WeightLaw::new(family, link, None).unwrap_err().to_string();
            assert!(error.contains("does not go with"), "{error}");
        }
        assert!(WeightLaw::new(Family::Poisson, Link::Log, Some(1.0)).unwrap_err().to_string().contains("theta"));
        assert!("poison".parse::<Family>().unwrap_err().to_string().contains("poisson"));
    }
}
